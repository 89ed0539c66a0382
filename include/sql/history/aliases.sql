SELECT a.alias, a.model, a.digest, a.updated_at, p.verdict, p.reasons
FROM ljwx.aliases a
LEFT JOIN ljwx.promotions p USING (promotion_id)
ORDER BY a.alias
