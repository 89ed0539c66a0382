SELECT min(session) AS session FROM ljwx.line_evidence WHERE challenger = %(challenger)s AND rival = %(rival)s
UNION ALL
SELECT max(session) FROM ljwx.line_evidence WHERE challenger = %(challenger)s AND rival = %(rival)s
