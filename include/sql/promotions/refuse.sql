INSERT INTO ljwx.promotions (challenger, verdict, promoted, reasons, policy, checks, settings, run_key)
SELECT %(model)s, 'refused', false, %(reasons)s, '{}', %(checks)s, inputs -> 'settings', run_key
FROM ljwx.runs WHERE run_key = %(run_key)s
ON CONFLICT (run_key, challenger) WHERE verdict = 'refused' DO UPDATE SET
    reasons = excluded.reasons, checks = excluded.checks, settings = excluded.settings, decided_at = excluded.decided_at
RETURNING promotion_id
