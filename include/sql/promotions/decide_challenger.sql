UPDATE ljwx.aliases SET promotion_id = %(promotion_id)s WHERE alias = 'challenger' AND model = %(model)s
