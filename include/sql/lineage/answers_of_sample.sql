SELECT e.model, e.question_set_id, a.label, a.valid, a.reason, a.answered_at
FROM ljwx.answers a
JOIN ljwx.evaluations e USING (evaluation_id)
WHERE a.sample_id = %(subject)s
ORDER BY a.answered_at
