UPDATE ljwx.models SET deleted_at = now() WHERE model = %(name)s
