-- The last row of each code that ended without a word: one that no list names, or one that was taken for gone.
WITH ended AS (
    (
        SELECT DISTINCT ON (q.ts_code) q.ts_code, q.session, q.raw -> 'close' AS close, q.raw -> 'adj_factor' AS factor
        FROM ljwx.quarantine q
        WHERE 'unlisted' = ANY (q.reasons) AND q.session IS NOT NULL
          AND NOT EXISTS (SELECT FROM ljwx.current_instruments i WHERE i.ts_code = q.ts_code)
        ORDER BY q.ts_code, q.session DESC, q.quarantine_id DESC
    )
    UNION ALL
    SELECT i.ts_code, last.session, to_jsonb(last.close), to_jsonb(last.adj_factor)
    FROM ljwx.current_instruments i
    CROSS JOIN LATERAL (
        SELECT b.session, b.close, b.adj_factor FROM ljwx.bars b
        WHERE b.ts_code = i.ts_code AND b.superseded_at IS NULL
        ORDER BY b.session DESC LIMIT 1
    ) AS last
    WHERE i.end_reason = 'gone'
)
SELECT e.ts_code, i.ts_code AS renamed_to, e.session AS last, began.session AS first, i.name, i.list_date
FROM ended e
JOIN ljwx.ingest_days d ON d.session = e.session
JOIN ljwx.current_instruments i ON i.ts_code = ANY (d.missing) AND right(i.ts_code, 3) = right(e.ts_code, 3)
CROSS JOIN LATERAL (
    SELECT b.session, to_jsonb(b.pre_close) AS pre_close, to_jsonb(b.adj_factor) AS factor FROM ljwx.bars b
    WHERE b.ts_code = i.ts_code AND b.superseded_at IS NULL
    ORDER BY b.session LIMIT 1
) AS began
WHERE began.session > e.session AND jsonb_typeof(e.close) = 'number' AND began.pre_close = e.close
  AND (jsonb_typeof(e.factor) IS DISTINCT FROM 'number' OR coalesce(began.factor, e.factor) = e.factor)
ORDER BY e.ts_code, i.ts_code
