INSERT INTO ljwx.dataset_samples (dataset_id, sample_id, split, previous_label)
SELECT dataset_id, sample_id, split, previous_label FROM staged_dataset_samples
ON CONFLICT (dataset_id, sample_id) DO NOTHING
