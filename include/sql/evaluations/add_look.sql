INSERT INTO ljwx.test_looks (dataset_id, model, question_set_id, run_key)
VALUES (%(dataset_id)s, %(model)s, %(question_set_id)s, %(run_key)s)
ON CONFLICT (dataset_id, model) DO NOTHING
