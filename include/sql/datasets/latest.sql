-- One made of what was known in the past is not the latest for having been made today.
SELECT dataset_id, sha256, spec, known_at, first_session, last_session, folder
FROM ljwx.datasets
WHERE deleted_at IS NULL
ORDER BY last_session DESC, known_at DESC, created_at DESC
LIMIT 1
