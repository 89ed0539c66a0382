SELECT sample_id, split FROM ljwx.dataset_samples
WHERE dataset_id = %(dataset_id)s AND sample_id = ANY(%(sample_ids)s)
