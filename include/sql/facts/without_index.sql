-- Complete sessions of which an index has no row.
SELECT d.session
FROM ljwx.ingest_days d
WHERE d.complete AND d.session BETWEEN %(first)s AND %(last)s
  AND NOT EXISTS (SELECT FROM ljwx.index_bars i
                  WHERE i.session = d.session AND i.ts_code = %(code)s AND i.superseded_at IS NULL)
ORDER BY d.session
