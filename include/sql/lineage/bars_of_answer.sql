-- Bars that the snapshot of an answer was made from, in the revisions that were there when it was given.
WITH of_stock AS (
    SELECT %(ts_code)s AS code UNION SELECT o.code FROM ljwx.codes_of_stock o WHERE o.ts_code = %(ts_code)s
), used AS (
    SELECT b.session, b.revision, b.run_key
    FROM ljwx.bars b
    JOIN of_stock ON b.ts_code = of_stock.code
    WHERE b.session <= %(session)s
      AND b.first_seen <= %(known_at)s AND (b.superseded_at IS NULL OR b.superseded_at > %(known_at)s)
    ORDER BY b.session DESC
    LIMIT %(look_back)s + 1
)
SELECT r.dag_id, r.run_id, r.task_id, r.map_index, count(*) AS bars, min(used.session) AS first,
       max(used.session) AS last, max(used.revision) AS newest_revision
FROM used
JOIN ljwx.runs r USING (run_key)
GROUP BY r.dag_id, r.run_id, r.task_id, r.map_index
ORDER BY first
