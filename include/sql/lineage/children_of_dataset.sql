SELECT dataset_id FROM ljwx.datasets WHERE parent_id = %(name)s ORDER BY created_at
