SELECT model, digest, strategy, base, base_digest, spec, spec_sha256, dataset_id, verified, created_at, deleted_at,
       line_id
FROM ljwx.models
WHERE model = %(model)s
