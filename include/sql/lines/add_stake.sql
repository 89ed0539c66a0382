-- RankICs are added up by days where those of the newest session noted are known; a pair keeps the rule with its stake.
INSERT INTO ljwx.line_stakes (challenger, rival, session, alpha, run_key, by_day)
VALUES (%(challenger)s, %(rival)s, %(session)s, %(alpha)s, %(run_key)s, coalesce((
    SELECT e.days IS NOT NULL
    FROM ljwx.line_evidence e
    WHERE e.challenger = %(challenger)s AND e.rival = %(rival)s AND e.statistic = 'rank_ic'
    ORDER BY e.session DESC, e.task
    LIMIT 1
), true))
RETURNING by_day
