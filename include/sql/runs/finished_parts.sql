SELECT map_index FROM ljwx.runs
WHERE dag_id = %(dag_id)s AND run_id = %(run_id)s AND task_id = %(task_id)s AND finished_at IS NOT NULL
