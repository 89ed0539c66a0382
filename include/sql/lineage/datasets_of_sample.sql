SELECT dataset_id, split, previous_label FROM ljwx.dataset_samples WHERE sample_id = %(subject)s ORDER BY dataset_id
