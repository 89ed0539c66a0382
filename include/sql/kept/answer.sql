SELECT answer FROM ljwx.kept_answers WHERE query = %(query)s AND asked_at >= %(since)s
