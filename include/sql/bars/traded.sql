SELECT session, ts_code FROM ljwx.bars
WHERE session BETWEEN %(first)s AND %(last)s AND ts_code = ANY (%(codes)s) AND superseded_at IS NULL
