-- The newest are enough: they are asked for by name, and few runs of a DAG are unfinished after this task.
SELECT run_id FROM ljwx.runs
WHERE dag_id = %(dag_id)s AND task_id = %(task_id)s AND run_id <> %(run_id)s AND finished_at IS NOT NULL
ORDER BY finished_at DESC
LIMIT 50
