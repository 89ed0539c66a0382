-- Of the newest complete session: its bars, and as many rows where the index has its one.
SELECT d.session, d.received AS bars,
       CASE WHEN EXISTS (SELECT FROM ljwx.index_bars i
                         WHERE i.session = d.session AND i.ts_code = %(code)s AND i.superseded_at IS NULL)
            THEN d.received ELSE 0 END AS rows
FROM ljwx.ingest_days d
WHERE d.complete
ORDER BY d.session DESC
LIMIT 1
