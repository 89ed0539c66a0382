INSERT INTO ljwx.models (model, digest, strategy, base, base_digest, spec, spec_sha256, dataset_id, recipe_id, run_key)
VALUES (%(model)s, %(digest)s, %(strategy)s, %(base)s, %(base_digest)s, %(spec)s, %(spec_sha256)s, %(dataset_id)s,
        %(recipe_id)s, %(run_key)s)
ON CONFLICT (model) DO UPDATE SET
    deleted_at = NULL, digest = excluded.digest, verified = NULL, spec = excluded.spec,
    created_at = CASE WHEN ljwx.models.deleted_at IS NOT NULL OR ljwx.models.digest <> excluded.digest
                      THEN excluded.created_at ELSE ljwx.models.created_at END
