SELECT question_set_id,
       (SELECT count(*) FROM ljwx.test_looks earlier
        WHERE earlier.dataset_id = look.dataset_id AND earlier.look_id <= look.look_id) AS looks
FROM ljwx.test_looks look
WHERE dataset_id = %(dataset_id)s AND model = %(model)s
