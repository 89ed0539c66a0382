INSERT INTO ljwx.question_sets (question_set_id, dataset_id, kind, part_of, run_key)
VALUES (%(question_set_id)s, %(dataset_id)s, %(kind)s, %(part_of)s, %(run_key)s)
ON CONFLICT DO NOTHING
