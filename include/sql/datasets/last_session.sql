SELECT last_session FROM ljwx.datasets WHERE dataset_id = %(dataset_id)s
