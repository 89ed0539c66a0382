SELECT recipe_id, recipe, dataset_id, base_gguf, job, prepared_at, adapter_sha256, gguf_sha256, result, started_at,
       finished_at
FROM ljwx.trainings
WHERE recipe_id = %(recipe_id)s
