UPDATE ljwx.lines SET closed_at = now() WHERE line_id = %(line_id)s AND closed_at IS NULL
