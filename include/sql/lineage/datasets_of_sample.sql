SELECT dataset_id, split FROM ljwx.dataset_samples WHERE sample_id = %(name)s ORDER BY dataset_id
