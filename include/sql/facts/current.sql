SELECT f.ts_code, f.session, {f}
FROM {ljwx} f
WHERE f.superseded_at IS NULL AND f.session BETWEEN %(first)s AND %(last)s
ORDER BY f.ts_code, f.session
