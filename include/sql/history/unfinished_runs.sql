SELECT dag_id, run_id, task_id, map_index, started_at FROM ljwx.runs
WHERE finished_at IS NULL AND started_at > now() - interval '30 days'
ORDER BY started_at DESC
LIMIT %(newest)s
