INSERT INTO ljwx.watch_checks (session, line_id, check_name, model, what, rings, since, level, mean, log_evidence, log_needed,
                               run_key)
VALUES (%(session)s, %(line_id)s, %(check)s, %(model)s, %(what)s, %(rings)s, %(since)s, %(level)s, %(mean)s,
        %(log_evidence)s, %(log_needed)s, %(run_key)s)
ON CONFLICT (session, line_id, check_name) DO UPDATE
SET (model, what, rings, since, level, mean, log_evidence, log_needed, watched_at, run_key)
    = (excluded.model, excluded.what, excluded.rings, excluded.since, excluded.level, excluded.mean,
       excluded.log_evidence, excluded.log_needed, now(), excluded.run_key)
