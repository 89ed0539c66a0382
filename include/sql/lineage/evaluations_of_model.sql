SELECT e.evaluation_id, e.question_set_id, count(a.sample_id) AS answers, count(*) FILTER (WHERE a.valid) AS valid
FROM ljwx.evaluations e
LEFT JOIN (
    SELECT evaluation_id, sample_id, valid FROM ljwx.answers
    UNION ALL
    SELECT evaluation_id, sample_id, probabilities IS NOT NULL FROM ljwx.class_answers
) a USING (evaluation_id)
WHERE e.model = %(name)s
GROUP BY e.evaluation_id
ORDER BY e.created_at
