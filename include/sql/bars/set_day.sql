INSERT INTO ljwx.ingest_days (
    session, complete, complete_since, expected, received, quarantined, suspended, missing, absent, run_key
)
VALUES (
    %(session)s, %(complete)s, CASE WHEN %(complete)s THEN now() END, %(expected)s, %(received)s, %(quarantined)s,
    %(suspended)s, %(missing)s, %(absent)s, %(run_key)s
)
ON CONFLICT (session) DO UPDATE SET
    complete = excluded.complete, expected = excluded.expected, received = excluded.received,
    complete_since = CASE WHEN excluded.complete THEN coalesce(ljwx.ingest_days.complete_since, now()) END,
    quarantined = excluded.quarantined, suspended = excluded.suspended, missing = excluded.missing,
    absent = excluded.absent, checked_at = now(), run_key = excluded.run_key
