INSERT INTO ljwx.suspensions (session, ts_code, kind, timing, run_key)
VALUES (%(session)s, %(ts_code)s, %(kind)s, %(timing)s, %(run_key)s)
ON CONFLICT DO NOTHING
