SELECT a.alias, a.model, a.digest, a.updated_at, a.promotion_id, p.verdict, p.reasons, p.champion AS beaten
FROM ljwx.aliases a
LEFT JOIN ljwx.promotions p USING (promotion_id)
ORDER BY a.alias
