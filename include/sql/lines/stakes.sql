SELECT challenger, rival, session, alpha FROM ljwx.line_stakes ORDER BY session, challenger, rival
