SELECT model, strategy, deleted_at FROM ljwx.models WHERE dataset_id = %(name)s ORDER BY created_at
