-- Answers of the forward record whose snapshot was made from one revision of a bar: it was there when they were given,
-- and lies within the bars that they look back on.
WITH of_stock AS (
    SELECT %(ts_code)s AS code
    UNION SELECT o.code FROM ljwx.codes_of_stock o WHERE o.ts_code = %(ts_code)s
    UNION SELECT o.ts_code FROM ljwx.codes_of_stock o WHERE o.code = %(ts_code)s
)
SELECT a.answerer, a.task, count(*) AS answers, min(a.session) AS first, max(a.session) AS last
FROM ljwx.forward_batches f
CROSS JOIN LATERAL (
    SELECT count(DISTINCT b.session) AS bars
    FROM ljwx.bars b
    JOIN of_stock ON b.ts_code = of_stock.code
    WHERE b.session > %(session)s AND b.session <= f.session AND b.superseded_at IS NULL
) AS after
JOIN ljwx.forward_answers a ON a.session = f.session AND a.ts_code IN (SELECT code FROM of_stock)
WHERE f.session >= %(session)s AND after.bars <= coalesce((f.spec ->> 'look_back')::int, 600)
  AND a.answered_at >= %(first_seen)s AND (%(superseded_at)s::timestamptz IS NULL OR a.answered_at < %(superseded_at)s)
GROUP BY a.answerer, a.task
ORDER BY a.answerer, a.task
