INSERT INTO ljwx.forward_answers (session, ts_code, task, answerer, digest, line_id, snapshot_sha256, classes,
                                  probabilities, answer, reason, server, latency_s, claims, claims_right,
                                  run_key)
VALUES (%(session)s, %(ts_code)s, %(task)s, %(answerer)s, %(digest)s, %(line_id)s, %(snapshot_sha256)s, %(classes)s,
        %(probabilities)s, %(answer)s, %(reason)s, %(server)s, %(latency_s)s, %(claims)s, %(claims_right)s,
        %(run_key)s)
ON CONFLICT (session, ts_code, task, answerer, coalesce(digest, '')) DO NOTHING
RETURNING answered_at, late
