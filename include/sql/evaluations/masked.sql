SELECT e.evaluation_id, e.question_set_id
FROM ljwx.evaluations e
JOIN ljwx.question_sets q USING (question_set_id)
WHERE e.model = %(model)s AND q.part_of = %(question_set_id)s
ORDER BY e.evaluation_id DESC
LIMIT 1
