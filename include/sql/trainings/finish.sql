UPDATE ljwx.trainings
SET adapter_sha256 = %(adapter_sha256)s, gguf_sha256 = %(gguf_sha256)s, result = %(result)s,
    started_at = %(started_at)s, finished_at = %(finished_at)s
WHERE recipe_id = %(recipe_id)s
