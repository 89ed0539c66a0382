SELECT promotion_id, challenger AS model, champion AS instead_of FROM ljwx.promotions
WHERE run_key = %(run_key)s AND verdict = 'rolled_back'
