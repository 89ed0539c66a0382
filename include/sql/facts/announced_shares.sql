-- Of the newest complete session: its bars, and how many stocks announced something that it may tell.
SELECT d.session, d.received AS bars,
       (SELECT count(DISTINCT f.ts_code) FROM {ljwx} f
        WHERE f.announced >= d.session - %(look_back)s::int AND f.announced < d.session) AS rows
FROM ljwx.ingest_days d
WHERE d.complete
ORDER BY d.session DESC
LIMIT 1
