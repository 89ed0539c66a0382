INSERT INTO ljwx.test_looks (dataset_id, model, question_set_id, first_session, last_session, run_key)
VALUES (%(dataset_id)s, %(model)s, %(question_set_id)s, %(first_session)s, %(last_session)s, %(run_key)s)
ON CONFLICT (dataset_id, model) DO NOTHING
