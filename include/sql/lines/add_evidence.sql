-- A session's outcome counts once for a pair: what was noted first stays.
INSERT INTO ljwx.line_evidence (challenger, rival, session, task, statistic, value, bound, stocks, label_end,
                                challenger_model, rival_model, source, days, run_key)
VALUES (%(challenger)s, %(rival)s, %(session)s, %(task)s, %(statistic)s, %(value)s, %(bound)s, %(stocks)s,
        %(label_end)s, %(challenger_model)s, %(rival_model)s, %(source)s, %(days)s,
        %(run_key)s)
ON CONFLICT (challenger, rival, task, statistic, session) DO NOTHING
