SELECT e.model, a.label, a.valid, a.reason
FROM ljwx.answers a
JOIN ljwx.evaluations e USING (evaluation_id)
WHERE a.sample_id = %(name)s
ORDER BY a.answered_at
