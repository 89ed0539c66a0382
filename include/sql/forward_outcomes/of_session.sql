-- The newest of what came true of each question about a session.
SELECT DISTINCT ON (ts_code, task) ts_code, task, label, excess, reason, label_end, revision
FROM ljwx.forward_outcomes
WHERE session = %(session)s
ORDER BY ts_code, task, revision DESC
