SELECT evaluation_id, model, digest, question_set_id, is_base, asked_with AS request_config
FROM ljwx.evaluations
WHERE model = %(model)s AND digest = %(digest)s AND question_set_id = %(question_set_id)s
  AND asked_with = %(request_config)s
