SELECT promotion_id
FROM ljwx.promotions p
JOIN ljwx.models m ON m.model = p.challenger
WHERE m.dataset_id = %(dataset_id)s AND p.verdict <> 'refused'
LIMIT 1
