SELECT s.sample_id, s.ts_code, s.task, s.snapshot, s.answer, s.label, s.prompt_version, s.session, s.label_end,
       coalesce(d.uniqueness, 1)
FROM ljwx.dataset_samples d
JOIN ljwx.samples s USING (sample_id)
WHERE d.dataset_id = %(dataset_id)s AND d.split = %(split)s
ORDER BY s.task, s.session, s.ts_code
