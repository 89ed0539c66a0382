-- A verification that was repeated and passed has an end.
SELECT p.promotion_id
FROM ljwx.promotions p
JOIN ljwx.runs r USING (run_key)
WHERE r.dag_id = %(dag_id)s AND r.run_id = %(run_id)s AND r.finished_at IS NULL AND p.verdict = 'refused'
ORDER BY p.decided_at DESC
LIMIT 1
