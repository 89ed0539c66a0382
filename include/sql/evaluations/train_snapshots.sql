SELECT task, label, snapshot
FROM (
    SELECT s.task, s.label, s.snapshot::text AS snapshot,
           row_number() OVER (PARTITION BY s.task ORDER BY s.sample_id) AS drawn
    FROM ljwx.dataset_samples d
    JOIN ljwx.samples s USING (sample_id)
    WHERE d.dataset_id = %(dataset_id)s AND d.split = 'train'
) train
WHERE drawn <= %(most)s
ORDER BY task, drawn
