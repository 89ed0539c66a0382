UPDATE ljwx.evaluations SET scorecard = %(scorecard)s WHERE evaluation_id = %(evaluation_id)s
