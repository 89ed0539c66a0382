INSERT INTO ljwx.evaluations (model, digest, question_set_id, is_base, asked_with, run_key)
VALUES (%(model)s, %(digest)s, %(question_set_id)s, %(is_base)s, %(request_config)s, %(run_key)s)
ON CONFLICT (model, digest, question_set_id, asked_with) DO UPDATE SET model = excluded.model
RETURNING evaluation_id
