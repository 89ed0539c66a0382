-- A promotion stands for a model that is champion, or was until a rollback; not where the aliases were given up.
SELECT p.promotion_id, p.challenger AS model, p.verdict
FROM ljwx.promotions p
LEFT JOIN ljwx.aliases now ON now.alias = 'champion'
WHERE p.evaluation_id = %(evaluation_id)s AND p.verdict <> 'rolled_back'
  AND NOT (%(anew)s AND p.verdict = 'kept_champion')
  AND (now.model = p.challenger OR (p.champion IS NOT DISTINCT FROM now.model AND p.policy = %(policy)s
                                        AND (now.model IS NOT NULL OR NOT p.promoted)))
ORDER BY p.promotion_id DESC
LIMIT 1
