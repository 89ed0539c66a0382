SELECT challenger, rival, session, alpha, used_by FROM ljwx.line_stakes ORDER BY session, challenger, rival
