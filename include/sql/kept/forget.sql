DELETE FROM ljwx.kept_answers WHERE starts_with(query, %(beginning)s)
