SELECT challenger, rival, session, alpha, used_by, by_day FROM ljwx.line_stakes ORDER BY session, challenger, rival
