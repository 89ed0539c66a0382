SELECT question_set_id,
       (SELECT count(*) FROM ljwx.test_looks earlier
        WHERE earlier.look_id <= look.look_id
          AND earlier.first_session <= look.last_session AND earlier.last_session >= look.first_session) AS looks
FROM ljwx.test_looks look
WHERE dataset_id = %(dataset_id)s AND model = %(model)s
