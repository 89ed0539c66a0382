-- A decision on what the name stood for before it was built again is none on this model.
SELECT m.model AS name, (m.created_at AT TIME ZONE 'Asia/Shanghai')::date AS created, m.dataset_id AS dataset,
       EXISTS (
           SELECT FROM ljwx.promotions p WHERE p.challenger = m.model AND p.decided_at >= m.created_at
       ) AS decided
FROM ljwx.models m
WHERE m.deleted_at IS NULL
