INSERT INTO ljwx.promotions (challenger, champion, question_set_id, verdict, promoted, reasons, policy, run_key)
VALUES (%(challenger)s, %(champion)s, %(question_set_id)s, %(verdict)s, %(promoted)s, %(reasons)s, %(policy)s,
        %(run_key)s)
ON CONFLICT (challenger, question_set_id, coalesce(champion, '')) DO UPDATE SET verdict = ljwx.promotions.verdict
RETURNING promotion_id, promoted
