-- Of the newest complete session: its bars, and how many rows the table has.
SELECT d.session, d.received AS bars,
       (SELECT count(*) FROM {ljwx} f WHERE f.session = d.session AND f.superseded_at IS NULL) AS rows
FROM ljwx.ingest_days d
WHERE d.complete
ORDER BY d.session DESC
LIMIT 1
