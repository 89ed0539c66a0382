SELECT evaluation_id, model, digest, question_set_id, is_base, scorecard
FROM ljwx.evaluations
WHERE model = %(model)s AND digest = %(digest)s AND question_set_id = %(question_set_id)s
  AND asked_with = %(asked_with)s
