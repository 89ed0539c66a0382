SELECT p.promotion_id, p.challenger AS model, p.verdict
FROM ljwx.promotions p
LEFT JOIN ljwx.aliases now ON now.alias = 'champion'
WHERE p.evaluation_id = %(evaluation_id)s AND p.verdict <> 'rolled_back'
  AND (now.model = p.challenger OR (p.champion IS NOT DISTINCT FROM now.model AND p.policy = %(policy)s))
ORDER BY p.promotion_id DESC
LIMIT 1
