SELECT session, deadline, dataset_id, spec, fit, opened_at, sealed_at, answers, digest, previous, published_at
FROM ljwx.forward_batches
ORDER BY session
