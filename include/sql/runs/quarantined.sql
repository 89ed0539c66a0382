SELECT reason, count(*) AS rows
FROM ljwx.quarantine q
CROSS JOIN LATERAL unnest(q.reasons) AS reason
WHERE q.run_key IN (SELECT run_key FROM ljwx.runs WHERE dag_id = %(dag_id)s AND run_id = %(run_id)s)
GROUP BY reason
ORDER BY rows DESC, reason
