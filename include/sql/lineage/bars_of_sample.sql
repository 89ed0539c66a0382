SELECT r.dag_id, r.run_id, r.task_id, r.map_index, count(*) AS bars, min(b.session) AS first, max(b.session) AS last,
       max(b.revision) AS newest_revision
FROM ljwx.samples s
CROSS JOIN LATERAL (
    SELECT s.ts_code AS code UNION ALL SELECT o.code FROM ljwx.codes_of_stock o WHERE o.ts_code = s.ts_code
) AS of_stock
JOIN ljwx.bars b ON b.ts_code = of_stock.code AND b.session BETWEEN s.bars_from AND s.label_end
    AND b.first_seen <= s.known_at AND (b.superseded_at IS NULL OR b.superseded_at > s.known_at)
JOIN ljwx.runs r ON r.run_key = b.run_key
WHERE s.sample_id = %(name)s
GROUP BY r.dag_id, r.run_id, r.task_id, r.map_index
ORDER BY first
