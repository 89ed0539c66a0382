INSERT INTO ljwx.forward_settled (session, known_at, run_key)
SELECT session, %(known_at)s, %(run_key)s FROM unnest(%(sessions)s::date[]) AS session
ON CONFLICT (session) DO UPDATE SET known_at = excluded.known_at, run_key = excluded.run_key
