INSERT INTO ljwx.questions (question_set_id, position, sample_id)
VALUES (%(question_set_id)s, %(position)s, %(sample_id)s)
