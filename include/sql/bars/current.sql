SELECT ts_code, session, open, high, low, close, pre_close, vol, amount, ah_vol, ah_amount,
       adj_factor, up_limit, down_limit, flags, 'adj_factor' = ANY (absent) AS unfactored
FROM ljwx.bars
JOIN ljwx.ingest_days USING (session)
WHERE superseded_at IS NULL AND complete AND session BETWEEN %(first)s AND %(last)s
ORDER BY ts_code, session
