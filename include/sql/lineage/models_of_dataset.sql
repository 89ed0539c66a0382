SELECT model, strategy, created_at, deleted_at FROM ljwx.models WHERE dataset_id = %(subject)s ORDER BY created_at
