SELECT ts_code, task, answerer, digest FROM ljwx.forward_answers WHERE session = %(session)s
