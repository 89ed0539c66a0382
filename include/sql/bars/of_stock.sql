SELECT session, open, high, low, close, vol, amount, adj_factor
FROM (
    SELECT DISTINCT ON (session) session, open, high, low, close, vol, amount,
           CASE WHEN 'adj_factor' = ANY (absent) THEN NULL ELSE adj_factor END AS adj_factor
    FROM ljwx.bars
    JOIN ljwx.ingest_days USING (session)
    WHERE superseded_at IS NULL AND complete AND ts_code = ANY (%(codes)s)
    ORDER BY session DESC, ts_code = %(newest_code)s DESC, ts_code
    LIMIT %(newest)s
) b
ORDER BY session
