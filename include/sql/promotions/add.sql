INSERT INTO ljwx.promotions (challenger, champion, question_set_id, evaluation_id, verdict, promoted, reasons, policy,
                             run_key)
VALUES (%(challenger)s, %(champion)s, %(question_set_id)s, %(evaluation_id)s, %(verdict)s, %(promoted)s, %(reasons)s,
        %(policy)s, %(run_key)s)
RETURNING promotion_id
