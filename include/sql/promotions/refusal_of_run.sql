-- Of a verification that was repeated the last attempt counts: what an earlier one found is older than its start.
SELECT p.promotion_id
FROM ljwx.promotions p
JOIN ljwx.runs r USING (run_key)
WHERE r.dag_id = %(dag_id)s AND r.run_id = %(run_id)s AND p.challenger = %(model)s AND p.verdict = 'refused'
  AND p.decided_at >= r.started_at
