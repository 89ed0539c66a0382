INSERT INTO ljwx.line_looks (challenger, rival, session, sessions, log_evidence, run_key)
VALUES (%(challenger)s, %(rival)s, %(session)s, %(sessions)s, %(log_evidence)s, %(run_key)s)
ON CONFLICT (challenger, rival, session) DO NOTHING
