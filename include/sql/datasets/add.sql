INSERT INTO ljwx.datasets (dataset_id, sha256, parent_id, spec, counts, exclusions, proof, merge, fit, known_at,
                           first_session, last_session, folder, code_version, run_key)
VALUES (%(dataset_id)s, %(sha256)s, %(parent_id)s, %(spec)s, %(counts)s, %(exclusions)s, %(proof)s, %(merge)s, %(fit)s,
        %(known_at)s, %(first_session)s, %(last_session)s, %(folder)s, %(code_version)s, %(run_key)s)
ON CONFLICT (dataset_id) DO UPDATE SET deleted_at = NULL, folder = excluded.folder
WHERE ljwx.datasets.deleted_at IS NOT NULL
RETURNING created_at = now() AS added
