-- The sessions that were complete at a moment and had bars, about how many, and whether they had features then.
SELECT c.session, coalesce(d.received, 0) AS bars, coalesce(feature.found, false) AS featured
FROM ljwx.complete_days c
LEFT JOIN ljwx.ingest_days d ON d.session = c.session
CROSS JOIN LATERAL (
    SELECT FROM ljwx.bars b
    WHERE b.session = c.session
      AND b.first_seen <= %(known_at)s AND (b.superseded_at IS NULL OR b.superseded_at > %(known_at)s)
    LIMIT 1
) AS bar
LEFT JOIN LATERAL (
    SELECT true AS found FROM ljwx.features f
    WHERE f.session = c.session AND f.feature_version = %(feature_version)s
      AND f.first_seen <= %(known_at)s AND (f.superseded_at IS NULL OR f.superseded_at > %(known_at)s)
    LIMIT 1
) AS feature ON true
WHERE c.complete_from <= %(known_at)s AND (c.complete_until IS NULL OR c.complete_until > %(known_at)s)
  AND c.session <= %(last)s
ORDER BY c.session
