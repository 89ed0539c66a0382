SELECT s.ts_code, s.session, s.task, s.sample_id
FROM ljwx.dataset_samples d
JOIN ljwx.samples s USING (sample_id)
WHERE d.dataset_id = %(dataset_id)s
