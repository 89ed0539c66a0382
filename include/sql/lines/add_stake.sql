INSERT INTO ljwx.line_stakes (challenger, rival, session, alpha, run_key)
VALUES (%(challenger)s, %(rival)s, %(session)s, %(alpha)s, %(run_key)s)
