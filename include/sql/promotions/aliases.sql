-- What was last found out about a line holds for the model of it that serves, also after a rollback.
SELECT a.alias, a.model, a.digest, a.updated_at, a.promotion_id, p.verdict, p.reasons, p.champion AS beaten,
       coalesce(l.proven, (
           SELECT d.proven FROM ljwx.promotions d
           WHERE d.challenger = a.model AND d.proven IS NOT NULL ORDER BY d.promotion_id DESC LIMIT 1
       )) AS proven
FROM ljwx.aliases a
LEFT JOIN ljwx.promotions p USING (promotion_id)
LEFT JOIN ljwx.models m ON m.model = a.model
LEFT JOIN ljwx.lines l USING (line_id)
ORDER BY a.alias
