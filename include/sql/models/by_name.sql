SELECT * FROM ljwx.models WHERE model = %(model)s
