SELECT (inputs ->> 'first')::date AS first, (inputs ->> 'last')::date AS last
FROM ljwx.runs
WHERE dag_id = %(dag_id)s AND task_id = %(task_id)s AND outputs ? 'left' AND finished_at > coalesce((
    SELECT max(finished_at) FROM ljwx.runs
    WHERE dag_id = %(dag_id)s AND task_id = %(task_id)s AND run_id <> %(run_id)s AND NOT outputs ? 'left'
), '-infinity')
