INSERT INTO ljwx.complete_days (session, complete_from, absent)
SELECT %(session)s, now(), %(absent)s WHERE %(complete)s
ON CONFLICT (session) WHERE complete_until IS NULL DO NOTHING
