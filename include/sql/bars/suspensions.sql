SELECT ts_code, session, kind, timing FROM ljwx.suspensions WHERE session = ANY (%(sessions)s) ORDER BY session, ts_code
