SELECT s.sample_id, s.task, s.ts_code, s.session, s.label AS truth, a.label AS answered, a.valid, a.reason, a.raw,
       a.probabilities, a.latency_s, a.parsed, s.snapshot
FROM ljwx.evaluations e
JOIN ljwx.questions q USING (question_set_id)
JOIN ljwx.samples s USING (sample_id)
JOIN ljwx.answers a ON a.evaluation_id = e.evaluation_id AND a.sample_id = q.sample_id
WHERE e.evaluation_id = %(evaluation_id)s
ORDER BY q.position
