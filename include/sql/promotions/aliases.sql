-- What was last found out about a line holds for the model of it that serves, also after a rollback; one that the watch
-- marks as failing is not proven while it is.
SELECT a.alias, a.model, a.digest, a.updated_at, a.promotion_id, p.verdict, p.reasons, p.champion AS beaten,
       CASE WHEN w.failing IS NOT NULL THEN false ELSE coalesce(l.proven, (
           SELECT d.proven FROM ljwx.promotions d
           WHERE d.challenger = a.model AND d.proven IS NOT NULL ORDER BY d.promotion_id DESC LIMIT 1
       )) END AS proven,
       w.failing
FROM ljwx.aliases a
LEFT JOIN ljwx.promotions p USING (promotion_id)
LEFT JOIN ljwx.models m ON m.model = a.model
LEFT JOIN ljwx.lines l USING (line_id)
LEFT JOIN LATERAL (
    SELECT string_agg(text, '; ' ORDER BY alarm_id) AS failing
    FROM ljwx.watch_alarms
    WHERE line_id = m.line_id AND watch_alarms.model = a.model AND done = 'marked' AND ended IS NULL
) w ON true
ORDER BY a.alias
