SELECT DISTINCT ON (a.sample_id) a.sample_id, s.task, s.ts_code, s.session, a.probabilities
FROM ljwx.evaluations e
JOIN ljwx.class_answers a USING (evaluation_id)
JOIN ljwx.samples s USING (sample_id)
WHERE e.digest = %(digest)s AND e.asked_with = %(asked_with)s
  AND (%(sessions)s::date[] IS NULL OR s.session = ANY(%(sessions)s))
ORDER BY a.sample_id, a.answered_at, a.evaluation_id
