-- The newest session that was there when a line's first model was made.
SELECT min(d.last_session) AS session
FROM ljwx.models m
JOIN ljwx.datasets d USING (dataset_id)
WHERE m.line_id = %(line_id)s
