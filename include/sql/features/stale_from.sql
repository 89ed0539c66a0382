SELECT min(b.session) AS session
FROM ljwx.bars b
JOIN ljwx.ingest_days d ON d.session = b.session AND d.complete
LEFT JOIN ljwx.features f
    ON f.session = b.session AND f.ts_code = b.ts_code AND f.feature_version = %(feature_version)s
    AND f.superseded_at IS NULL
WHERE b.superseded_at IS NULL AND (f.ts_code IS NULL OR f.first_seen < b.first_seen)
HAVING min(b.session) IS NOT NULL
