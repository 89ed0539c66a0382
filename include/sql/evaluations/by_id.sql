SELECT evaluation_id, model, digest, question_set_id, scorecard
FROM ljwx.evaluations
WHERE evaluation_id = %(evaluation_id)s
