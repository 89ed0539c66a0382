-- A dataset tells them in all its splits or in none; one made before that was so counts by a look at some of its samples.
SELECT bool_or(industry <> %(unknown)s) AS known
FROM (
    SELECT s.snapshot ->> 'industry' AS industry
    FROM ljwx.dataset_samples d
    JOIN ljwx.samples s USING (sample_id)
    WHERE d.dataset_id = %(dataset_id)s AND d.split = 'train'
    LIMIT 200
) AS looked_at
