-- A bar that differs from the one the features have seen only in what no feature reads is not newer.
SELECT min(b.session) AS session
FROM ljwx.bars b
JOIN ljwx.ingest_days d ON d.session = b.session AND d.complete
LEFT JOIN ljwx.feature_marks m ON m.session = b.session AND m.feature_version = %(feature_version)s
WHERE b.superseded_at IS NULL
  AND (m.session IS NULL
       OR b.first_seen > m.computed_at AND NOT EXISTS (
           SELECT FROM ljwx.bars was
           WHERE was.session = b.session AND was.ts_code = b.ts_code
             AND was.first_seen <= m.computed_at AND was.superseded_at > m.computed_at
             AND (was.high, was.low, was.close, was.pre_close, was.vol, was.adj_factor)
                 IS NOT DISTINCT FROM (b.high, b.low, b.close, b.pre_close, b.vol, b.adj_factor)))
HAVING min(b.session) IS NOT NULL
