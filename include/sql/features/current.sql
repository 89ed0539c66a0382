SELECT f.ts_code, f.session, {f}
FROM ljwx.features f
WHERE f.superseded_at IS NULL
  AND f.feature_version = %(feature_version)s AND f.session BETWEEN %(first)s AND %(last)s
ORDER BY f.ts_code, f.session
