SELECT dataset_id AS name, (created_at AT TIME ZONE 'Asia/Shanghai')::date AS created,
       (
           SELECT max(r.finished_at AT TIME ZONE 'Asia/Shanghai')::date FROM ljwx.runs r
           WHERE r.task_id = 'build_dataset' AND r.outputs ->> 'dataset_id' = d.dataset_id
       ) AS written
FROM ljwx.datasets d
WHERE deleted_at IS NULL
