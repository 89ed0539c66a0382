INSERT INTO ljwx.question_sets (question_set_id, dataset_id, run_key)
VALUES (%(question_set_id)s, %(dataset_id)s, %(run_key)s)
ON CONFLICT DO NOTHING
