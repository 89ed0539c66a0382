UPDATE ljwx.datasets SET deleted_at = now() WHERE dataset_id = %(name)s
