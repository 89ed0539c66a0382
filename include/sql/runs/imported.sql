SELECT run_key FROM ljwx.runs WHERE dag_id = 'ljwx' AND task_id = 'import_bars' LIMIT 1
