SELECT ts_code FROM ljwx.watchlists WHERE owner_kind = %(kind)s AND owner = %(owner)s ORDER BY place, ts_code
