SELECT s.sample_id, s.task, s.ts_code, s.session, s.label, d.previous_label,
       s.snapshot ->> 'board' AS board, s.snapshot ->> 'industry' AS industry
FROM ljwx.dataset_samples d
JOIN ljwx.samples s USING (sample_id)
WHERE d.dataset_id = %(dataset_id)s AND d.split = %(split)s
