SELECT 'model' AS kind, cited.model AS name, 'promotion ' || promotion_id AS by,
       (decided_at AT TIME ZONE 'Asia/Shanghai')::date AS "on"
FROM ljwx.promotions
CROSS JOIN LATERAL (VALUES (challenger), (champion)) AS cited (model)
WHERE cited.model IS NOT NULL AND promoted
