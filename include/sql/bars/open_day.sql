INSERT INTO ljwx.complete_days (session, complete_from)
SELECT %(session)s, now() WHERE %(complete)s
ON CONFLICT (session) WHERE complete_until IS NULL DO NOTHING
