INSERT INTO ljwx.promotions (challenger, champion, question_set_id, verdict, promoted, reasons, policy, settings,
                             run_key)
SELECT back.model, now.model, p.question_set_id, 'rolled_back', true, %(reasons)s, '{}',
       (SELECT inputs -> 'settings' FROM ljwx.runs WHERE run_key = %(run_key)s), %(run_key)s
FROM ljwx.aliases now
JOIN ljwx.promotions p USING (promotion_id)
JOIN ljwx.aliases back ON back.alias = 'previous'
WHERE now.alias = 'champion' AND now.model = %(champion)s AND back.model = %(previous)s
RETURNING promotion_id
