-- Who fetched the lists of the dataset's index, as they were known then; a session looks back valid_days at most.
SELECT m.index_code, r.dag_id, r.run_id, r.task_id, r.map_index, count(DISTINCT m.session) AS lists,
       count(*) AS members, min(m.session) AS first, max(m.session) AS last
FROM ljwx.datasets d
JOIN ljwx.index_members m ON m.index_code = d.spec #>> '{universe,index}'
    AND m.session BETWEEN d.first_session - %(valid_days)s::integer AND d.last_session
    AND m.first_seen <= d.known_at AND (m.superseded_at IS NULL OR m.superseded_at > d.known_at)
JOIN ljwx.runs r ON r.run_key = m.run_key
WHERE d.dataset_id = %(name)s
GROUP BY m.index_code, r.dag_id, r.run_id, r.task_id, r.map_index
ORDER BY first
