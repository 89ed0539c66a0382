SELECT DISTINCT a.sample_id
FROM ljwx.evaluations e
JOIN ljwx.class_answers a USING (evaluation_id)
JOIN ljwx.evaluations mine ON mine.digest = e.digest AND mine.asked_with = e.asked_with
JOIN ljwx.questions q ON q.question_set_id = mine.question_set_id AND q.sample_id = a.sample_id
WHERE mine.evaluation_id = %(evaluation_id)s
