SELECT a.model, a.digest, p.champion AS beaten
FROM ljwx.aliases a
LEFT JOIN ljwx.promotions p USING (promotion_id)
WHERE a.alias = 'champion'
