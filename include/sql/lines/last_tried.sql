-- Of each line the last session of the newest data that a model was made from, one that was refused included.
SELECT m.line_id, max(d.last_session)
FROM ljwx.models m
JOIN ljwx.datasets d USING (dataset_id)
WHERE m.line_id IS NOT NULL
GROUP BY m.line_id
