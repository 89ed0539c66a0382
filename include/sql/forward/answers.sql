SELECT session, ts_code, task, answerer, digest, line_id, snapshot_sha256, classes, probabilities, answer, reason,
       answered_at, late
FROM ljwx.forward_answers
WHERE session = %(session)s
ORDER BY ts_code COLLATE "C", task COLLATE "C", answerer COLLATE "C", coalesce(digest, '') COLLATE "C"
