SELECT promotion_id, challenger AS model, champion AS instead_of FROM ljwx.promotions
WHERE champion = %(model)s AND verdict = 'rolled_back' AND reasons #>> '{0,text}' = %(reason)s
ORDER BY promotion_id DESC LIMIT 1
