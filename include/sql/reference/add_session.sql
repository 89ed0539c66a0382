INSERT INTO ljwx.sessions (session, run_key) VALUES (%(session)s, %(run_key)s) ON CONFLICT DO NOTHING
