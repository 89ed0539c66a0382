-- Answers of one name to one question of the forward record, with the newest of what came true. Of two, the first counts.
SELECT a.session, a.ts_code, a.task, a.answerer, a.digest, a.line_id, a.snapshot_sha256, a.probabilities, a.reason,
       a.answered_at, a.late, f.dataset_id, f.deadline, f.sealed_at, f.digest AS seal,
       coalesce((f.spec ->> 'look_back')::int, 600) AS look_back, o.label, o.excess, o.reason AS no_outcome, o.revision,
       r.dag_id, r.run_id, r.task_id, r.map_index
FROM ljwx.forward_answers a
JOIN ljwx.forward_batches f USING (session)
JOIN ljwx.runs r ON r.run_key = a.run_key
LEFT JOIN LATERAL (
    SELECT label, excess, reason, revision FROM ljwx.forward_outcomes o
    WHERE o.session = a.session AND o.ts_code = a.ts_code AND o.task = a.task
    ORDER BY revision DESC LIMIT 1
) o ON true
WHERE a.session = %(session)s AND a.ts_code = %(ts_code)s AND a.task = %(task)s AND a.answerer = %(answerer)s
ORDER BY a.answered_at, a.answer_id
