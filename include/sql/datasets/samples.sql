SELECT s.sample_id, s.ts_code, s.task, s.snapshot, s.snapshot_sha256, s.answer, s.label, d.previous_label,
       s.snapshot ->> 'board', s.snapshot ->> 'industry', s.prompt_version, s.feature_version, d.split,
       s.session, s.label_end, s.bars_from
FROM ljwx.dataset_samples d
JOIN ljwx.samples s USING (sample_id)
WHERE d.dataset_id = %(dataset_id)s AND d.split = %(split)s
ORDER BY s.task, s.session, s.ts_code
