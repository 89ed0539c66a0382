INSERT INTO ljwx.ingest_days (
    session, complete, expected, received, quarantined, suspended, missing, absent, run_key
)
VALUES (
    %(session)s, %(complete)s, %(expected)s, %(received)s, %(quarantined)s, %(suspended)s, %(missing)s, %(absent)s,
    %(run_key)s
)
ON CONFLICT (session) DO UPDATE SET
    complete = excluded.complete, expected = excluded.expected, received = excluded.received,
    quarantined = excluded.quarantined, suspended = excluded.suspended, missing = excluded.missing,
    absent = excluded.absent, checked_at = now(), run_key = excluded.run_key
