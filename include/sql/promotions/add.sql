INSERT INTO ljwx.promotions (challenger, champion, question_set_id, verdict, promoted, reasons, policy, run_key)
VALUES (%(challenger)s, %(champion)s, %(question_set_id)s, %(verdict)s, %(promoted)s, %(reasons)s, %(policy)s,
        %(run_key)s)
ON CONFLICT (challenger, question_set_id, coalesce(champion, '')) WHERE verdict <> 'rolled_back'
DO UPDATE SET verdict = ljwx.promotions.verdict
RETURNING promotion_id, promoted AND NOT EXISTS (
    SELECT FROM ljwx.promotions later
    WHERE later.verdict = 'rolled_back' AND later.champion = ljwx.promotions.challenger
        AND later.promotion_id > ljwx.promotions.promotion_id
) AS promoted
