-- A refused row between would make the bar before it look like the last one, but for one that stands for no trade.
SELECT last.*
FROM (SELECT DISTINCT ts_code FROM ljwx.current_instruments) AS stock
CROSS JOIN LATERAL (
    SELECT b.ts_code, b.session, b.adj_factor, b.open, b.high, b.low, b.close, b.pre_close, b.vol, b.amount
    FROM ljwx.bars b
    WHERE b.ts_code = stock.ts_code AND b.session BETWEEN %(first)s AND %(last)s AND b.superseded_at IS NULL
    ORDER BY b.session DESC
    LIMIT 1
) AS last
WHERE NOT EXISTS (
    SELECT FROM ljwx.quarantine q
    WHERE q.ts_code = last.ts_code AND q.session > last.session AND q.session <= %(last)s
      AND NOT q.reasons <@ '{suspended,repeated}'
)
