SELECT e.evaluation_id, e.model, e.digest, e.question_set_id, e.is_base, e.asked_with AS request_config
FROM ljwx.evaluations plain
JOIN ljwx.question_sets q ON q.part_of = plain.question_set_id
JOIN ljwx.evaluations e ON e.question_set_id = q.question_set_id AND e.model = plain.model
    AND e.digest = plain.digest AND e.asked_with = plain.asked_with
WHERE plain.evaluation_id = %(evaluation_id)s
ORDER BY e.evaluation_id DESC
LIMIT 1
