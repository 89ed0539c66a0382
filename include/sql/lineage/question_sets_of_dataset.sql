SELECT q.question_set_id,
       (SELECT count(*) FROM ljwx.questions n WHERE n.question_set_id = q.question_set_id) AS questions
FROM ljwx.question_sets q
WHERE q.dataset_id = %(name)s
ORDER BY q.created_at
