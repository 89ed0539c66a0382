DELETE FROM ljwx.watchlists WHERE owner_kind = %(kind)s AND owner = %(owner)s
