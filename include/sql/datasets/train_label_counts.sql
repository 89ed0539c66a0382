SELECT s.task, s.label, count(*) AS samples
FROM ljwx.dataset_samples d
JOIN ljwx.samples s USING (sample_id)
WHERE d.dataset_id = %(dataset_id)s AND d.split = 'train'
GROUP BY s.task, s.label
