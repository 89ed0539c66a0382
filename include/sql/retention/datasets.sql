SELECT dataset_id AS name, (created_at AT TIME ZONE 'Asia/Shanghai')::date AS created
FROM ljwx.datasets
WHERE deleted_at IS NULL
