SELECT b.ts_code, b.session, {b},
       'adj_factor' = ANY (d.absent) AS unfactored
FROM (
    SELECT DISTINCT ts_code FROM ljwx.current_instruments
    WHERE %(stocks)s::text[] IS NULL OR ts_code = ANY (%(stocks)s::text[])
) AS stock
LEFT JOIN LATERAL (
    SELECT earlier.session
    FROM ljwx.bars earlier
    WHERE earlier.ts_code = stock.ts_code AND earlier.session < %(since)s AND earlier.superseded_at IS NULL
    ORDER BY earlier.session DESC
    OFFSET %(look_back)s - 1
    LIMIT 1
) AS start ON true
JOIN ljwx.bars b
    ON b.ts_code = stock.ts_code AND b.session >= coalesce(start.session, '-infinity') AND b.superseded_at IS NULL
JOIN ljwx.ingest_days d ON d.session = b.session AND d.complete
ORDER BY b.ts_code, b.session
