SELECT m.model AS name, (m.created_at AT TIME ZONE 'Asia/Shanghai')::date AS created, m.dataset_id AS dataset,
       EXISTS (SELECT FROM ljwx.promotions p WHERE p.challenger = m.model) AS decided
FROM ljwx.models m
WHERE m.deleted_at IS NULL
