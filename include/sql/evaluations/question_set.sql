SELECT question_set_id, dataset_id, kind, part_of
FROM ljwx.question_sets
WHERE question_set_id = %(question_set_id)s
