-- Of an answer that is a class alone, the likeliest class.
SELECT e.model, a.label, a.valid, a.reason
FROM (
    SELECT evaluation_id, sample_id, answered_at, label, valid, reason FROM ljwx.answers
    UNION ALL
    SELECT evaluation_id, sample_id, answered_at,
           (SELECT key FROM jsonb_each(probabilities) ORDER BY value DESC, key LIMIT 1),
           probabilities IS NOT NULL, reason
    FROM ljwx.class_answers
) a
JOIN ljwx.evaluations e USING (evaluation_id)
WHERE a.sample_id = %(name)s
ORDER BY a.answered_at
