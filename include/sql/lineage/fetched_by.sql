SELECT r.dag_id, r.run_id, r.task_id, r.map_index, count(*) AS sessions, min(d.session) AS first, max(d.session) AS last,
       sum(d.received)::bigint AS bars
FROM ljwx.ingest_days d
JOIN ljwx.runs r USING (run_key)
WHERE d.session BETWEEN %(first)s AND %(last)s
GROUP BY r.dag_id, r.run_id, r.task_id, r.map_index
ORDER BY first
