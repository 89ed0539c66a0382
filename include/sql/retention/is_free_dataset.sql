SELECT FROM ljwx.datasets d
WHERE d.dataset_id = %(name)s AND d.deleted_at IS NULL
    AND NOT EXISTS (SELECT FROM ljwx.models m WHERE m.dataset_id = d.dataset_id AND m.deleted_at IS NULL)
