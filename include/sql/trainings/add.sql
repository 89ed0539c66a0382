INSERT INTO ljwx.trainings (recipe_id, recipe, dataset_id, base_gguf, job, run_key)
VALUES (%(recipe_id)s, %(recipe)s, %(dataset_id)s, %(base_gguf)s, %(job)s, %(run_key)s)
ON CONFLICT (recipe_id) DO UPDATE SET job = excluded.job, prepared_at = now(), deleted_at = NULL
