-- Of each open line the model of the newest data that passed its verification and is there.
SELECT DISTINCT ON (l.line_id) l.line_id, m.model, d.last_session
FROM ljwx.lines l
JOIN ljwx.models m USING (line_id)
JOIN ljwx.datasets d USING (dataset_id)
WHERE l.closed_at IS NULL AND m.verified IS NOT NULL AND m.deleted_at IS NULL
ORDER BY l.line_id, d.last_session DESC, m.created_at DESC
