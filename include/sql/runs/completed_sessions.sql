SELECT session
FROM ljwx.ingest_days
JOIN ljwx.runs r USING (run_key)
WHERE complete AND r.dag_id = %(dag_id)s AND (r.run_id = %(run_id)s OR r.run_id IN (
    SELECT run_id FROM ljwx.runs
    WHERE dag_id = %(dag_id)s AND task_id = %(task_id)s AND outputs ? 'left' AND finished_at > coalesce((
        SELECT max(finished_at) FROM ljwx.runs
        WHERE dag_id = %(dag_id)s AND task_id = %(task_id)s AND run_id <> %(run_id)s AND NOT outputs ? 'left'
    ), '-infinity')
))
