INSERT INTO ljwx.forward_batches (session, deadline, dataset_id, spec, fit, run_key)
VALUES (%(session)s, %(deadline)s, %(dataset_id)s, %(spec)s, %(fit)s, %(run_key)s)
ON CONFLICT (session) DO NOTHING
