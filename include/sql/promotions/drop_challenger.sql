DELETE FROM ljwx.aliases WHERE alias = 'challenger' AND model = %(model)s
