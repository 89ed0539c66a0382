SELECT q.question_set_id, q.created_at,
       (SELECT count(*) FROM ljwx.questions n WHERE n.question_set_id = q.question_set_id) AS questions
FROM ljwx.question_sets q
WHERE q.dataset_id = %(subject)s
ORDER BY q.created_at
