SELECT a.alias, a.model, a.digest, a.promotion_id, p.verdict, p.champion AS beaten
FROM ljwx.aliases a
LEFT JOIN ljwx.promotions p USING (promotion_id)
