SELECT coalesce((proof ->> 'purge')::integer, (spec ->> 'horizon')::integer + 1)
FROM ljwx.datasets
WHERE dataset_id = %(dataset_id)s
