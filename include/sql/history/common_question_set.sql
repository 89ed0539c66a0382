SELECT a.question_set_id, a.evaluation_id AS first, b.evaluation_id AS second
FROM ljwx.evaluations a
JOIN ljwx.evaluations b USING (question_set_id)
JOIN ljwx.question_sets q ON q.question_set_id = a.question_set_id AND q.kind = 'validation'
WHERE a.model = %(first)s AND b.model = %(second)s AND a.asked_with = b.asked_with
ORDER BY a.created_at DESC
LIMIT 1
