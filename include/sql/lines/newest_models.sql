-- Of each open line the model of the newest data that passed its verification and is there, and what the gate said last.
SELECT DISTINCT ON (l.line_id) l.line_id, m.model, m.digest, m.dataset_id, d.last_session, last.verdict
FROM ljwx.lines l
JOIN ljwx.models m USING (line_id)
JOIN ljwx.datasets d USING (dataset_id)
LEFT JOIN LATERAL (
    SELECT p.verdict FROM ljwx.promotions p
    WHERE p.challenger = m.model AND p.verdict <> 'rolled_back' ORDER BY p.promotion_id DESC LIMIT 1
) AS last ON true
WHERE l.closed_at IS NULL AND m.verified IS NOT NULL AND m.deleted_at IS NULL
ORDER BY l.line_id, d.last_session DESC, m.created_at DESC
