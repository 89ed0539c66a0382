"""DAG ljwx_sample_generation: from bars and features to a frozen dataset."""
