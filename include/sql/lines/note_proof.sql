UPDATE ljwx.lines SET proven = %(proven)s WHERE line_id = %(line_id)s
