INSERT INTO ljwx.evaluations (model, digest, question_set_id, is_base, run_key)
VALUES (%(model)s, %(digest)s, %(question_set_id)s, %(is_base)s, %(run_key)s)
ON CONFLICT (model, digest, question_set_id) DO UPDATE SET model = excluded.model
RETURNING evaluation_id
