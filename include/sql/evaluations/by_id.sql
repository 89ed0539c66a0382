SELECT evaluation_id, model, digest, question_set_id, is_base, asked_with AS request_config
FROM ljwx.evaluations
WHERE evaluation_id = %(evaluation_id)s
