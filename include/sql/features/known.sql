-- As known at a moment: the revisions of then, of the sessions that were complete then.
SELECT f.ts_code, f.session, {f}
FROM ljwx.features f
JOIN ljwx.complete_days c ON c.session = f.session
WHERE f.first_seen <= %(known_at)s AND (f.superseded_at IS NULL OR f.superseded_at > %(known_at)s)
  AND c.complete_from <= %(known_at)s AND (c.complete_until IS NULL OR c.complete_until > %(known_at)s)
  AND f.feature_version = %(feature_version)s AND f.session BETWEEN %(first)s AND %(last)s
ORDER BY f.ts_code, f.session
