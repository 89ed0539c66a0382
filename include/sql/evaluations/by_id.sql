SELECT evaluation_id, model, digest, question_set_id, is_base, asked_with, scorecard
FROM ljwx.evaluations
WHERE evaluation_id = %(evaluation_id)s
