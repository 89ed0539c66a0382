-- What was asked of some sessions: the questions that have an answer of anyone.
SELECT DISTINCT session, ts_code, task FROM ljwx.forward_answers WHERE session = ANY (%(sessions)s)
