SELECT session FROM ljwx.sessions WHERE session BETWEEN %(first)s AND %(last)s ORDER BY session
