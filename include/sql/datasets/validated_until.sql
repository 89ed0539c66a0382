SELECT (proof -> 'last_as_of' ->> 'validation')::date AS session FROM ljwx.datasets WHERE dataset_id = %(dataset_id)s
