-- The newest session that was noted of a pair, by statistic: scores are noted where no outcome is known as a number.
SELECT statistic, max(session) AS session
FROM ljwx.line_evidence WHERE challenger = %(challenger)s AND rival = %(rival)s GROUP BY statistic
