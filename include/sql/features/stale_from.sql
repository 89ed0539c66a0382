-- A bar that differs from the one its feature row was made of only in what no feature reads is not newer.
SELECT min(b.session) AS session
FROM ljwx.bars b
JOIN ljwx.ingest_days d ON d.session = b.session AND d.complete
LEFT JOIN ljwx.features f
    ON f.session = b.session AND f.ts_code = b.ts_code AND f.feature_version = %(feature_version)s
    AND f.superseded_at IS NULL
WHERE b.superseded_at IS NULL
  AND (f.ts_code IS NULL
       OR f.first_seen < b.first_seen AND NOT EXISTS (
           SELECT FROM ljwx.bars was
           WHERE was.session = b.session AND was.ts_code = b.ts_code
             AND was.first_seen <= f.first_seen AND was.superseded_at > f.first_seen
             AND (was.high, was.low, was.close, was.pre_close, was.vol, was.adj_factor)
                 IS NOT DISTINCT FROM (b.high, b.low, b.close, b.pre_close, b.vol, b.adj_factor)))
HAVING min(b.session) IS NOT NULL
