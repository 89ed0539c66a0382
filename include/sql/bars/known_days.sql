SELECT session, d.session IS NOT NULL AS fetched, coalesce(d.complete, false) AS complete,
       d.expected, d.received, d.quarantined, cardinality(d.missing) AS missing, d.unfactored, coalesce(d.deferred, '{}') AS deferred
FROM ljwx.sessions
FULL JOIN ljwx.ingest_days d USING (session)
ORDER BY session
