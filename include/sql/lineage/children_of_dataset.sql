SELECT dataset_id, last_session, created_at FROM ljwx.datasets WHERE parent_id = %(subject)s ORDER BY created_at
