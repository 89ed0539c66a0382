INSERT INTO ljwx.ingest_days (
    session, complete, expected, received, quarantined, suspended, unfactored, missing, absent, deferred, run_key
)
VALUES (
    %(session)s, %(complete)s, %(expected)s, %(received)s, %(quarantined)s, %(suspended)s, %(unfactored)s,
    %(missing)s, %(absent)s, %(deferred)s, %(run_key)s
)
ON CONFLICT (session) DO UPDATE SET
    complete = excluded.complete, expected = excluded.expected, received = excluded.received,
    quarantined = excluded.quarantined, suspended = excluded.suspended, unfactored = excluded.unfactored,
    missing = excluded.missing, absent = excluded.absent, deferred = excluded.deferred,
    checked_at = now(), run_key = excluded.run_key
