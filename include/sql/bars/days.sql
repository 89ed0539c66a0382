SELECT session, complete, absent, deferred
FROM ljwx.ingest_days
WHERE session BETWEEN %(first)s AND %(last)s
ORDER BY session
