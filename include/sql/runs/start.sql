INSERT INTO ljwx.runs (dag_id, run_id, task_id, map_index, inputs)
VALUES (%(dag_id)s, %(run_id)s, %(task_id)s, %(map_index)s, %(inputs)s)
ON CONFLICT (dag_id, run_id, task_id, map_index) DO UPDATE SET
    inputs = excluded.inputs, started_at = excluded.started_at, finished_at = NULL
RETURNING run_key
