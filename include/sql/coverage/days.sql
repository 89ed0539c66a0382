-- What is known of each session that was fetched, and when it was complete for the first time.
SELECT d.session, d.complete, d.expected, d.received, d.quarantined, cardinality(d.missing) AS missing, d.unfactored,
       d.absent, d.deferred, c.complete_from
FROM ljwx.ingest_days d
LEFT JOIN (SELECT session, min(complete_from) AS complete_from FROM ljwx.complete_days GROUP BY session) c USING (session)
ORDER BY session
