SELECT b.ts_code, b.session, b.revision, b.first_seen, b.superseded_at, r.dag_id, r.run_id, r.task_id, r.map_index
FROM ljwx.bars b
JOIN ljwx.runs r USING (run_key)
WHERE b.session = %(session)s AND b.ts_code = %(ts_code)s
ORDER BY b.revision
