SELECT challenger AS model, promotion_id FROM ljwx.promotions
