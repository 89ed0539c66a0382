SELECT promotion_id
FROM ljwx.promotions p
JOIN ljwx.models m ON m.model = p.challenger AND m.deleted_at IS NULL
WHERE p.challenger = %(model)s
LIMIT 1
