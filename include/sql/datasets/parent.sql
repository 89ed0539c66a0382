SELECT dataset_id, sha256, spec, known_at, first_session, last_session, folder
FROM ljwx.datasets
WHERE deleted_at IS NULL AND dataset_id <> %(dataset_id)s
  AND last_session <= %(last_session)s AND known_at <= %(known_at)s
ORDER BY last_session DESC, known_at DESC, created_at DESC
LIMIT 1
