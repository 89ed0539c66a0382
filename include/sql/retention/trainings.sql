SELECT recipe_id AS name, (greatest(prepared_at, finished_at) AT TIME ZONE 'Asia/Shanghai')::date AS created, job
FROM ljwx.trainings
WHERE deleted_at IS NULL
