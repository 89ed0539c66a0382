SELECT d.dataset_id, d.sha256, d.parent_id, d.first_session, d.last_session, d.folder, d.code_version, d.created_at,
       d.deleted_at, r.dag_id, r.run_id, r.task_id, r.map_index,
       (SELECT count(*) FROM ljwx.dataset_samples s WHERE s.dataset_id = d.dataset_id) AS samples
FROM ljwx.datasets d
JOIN ljwx.runs r USING (run_key)
WHERE d.dataset_id = %(name)s
