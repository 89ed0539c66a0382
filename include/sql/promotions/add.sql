INSERT INTO ljwx.promotions (challenger, champion, question_set_id, evaluation_id, verdict, promoted, reasons, policy,
                             proven, evidence, settings, run_key)
VALUES (%(challenger)s, %(champion)s, %(question_set_id)s, %(evaluation_id)s, %(verdict)s, %(promoted)s, %(reasons)s,
        %(policy)s, %(proven)s, %(evidence)s, (SELECT inputs -> 'settings' FROM ljwx.runs WHERE run_key = %(run_key)s), %(run_key)s)
ON CONFLICT (challenger, question_set_id, coalesce(champion, ''), coalesce(evaluation_id, 0), policy, verdict)
    WHERE verdict <> 'rolled_back'
    DO UPDATE SET challenger = excluded.challenger  -- the aliases were given up: the same decision is carried out again
RETURNING promotion_id
