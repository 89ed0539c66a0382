SELECT fit FROM ljwx.datasets WHERE dataset_id = %(dataset_id)s
