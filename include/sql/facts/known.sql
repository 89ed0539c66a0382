-- As known at a moment: the revisions of then.
SELECT f.ts_code, f.session, {f}
FROM {ljwx} f
WHERE f.first_seen <= %(known_at)s AND (f.superseded_at IS NULL OR f.superseded_at > %(known_at)s)
  AND f.session BETWEEN %(first)s AND %(last)s
ORDER BY f.ts_code, f.session
