SELECT fit -> 'rates' AS rates FROM ljwx.datasets WHERE dataset_id = %(dataset_id)s
