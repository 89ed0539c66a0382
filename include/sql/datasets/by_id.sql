SELECT dataset_id FROM ljwx.datasets WHERE dataset_id = %(dataset_id)s AND deleted_at IS NULL
