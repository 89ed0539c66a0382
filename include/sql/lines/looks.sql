SELECT count(*) AS looks FROM ljwx.line_looks WHERE challenger = %(challenger)s AND rival = %(rival)s
