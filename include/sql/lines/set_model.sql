UPDATE ljwx.models SET line_id = %(line_id)s WHERE model = %(model)s
