-- Answers of models to the questions of some tasks, each question once for a model and a way of asking. The sealed split
-- and masked questions are no evidence.
WITH made AS (
    SELECT * FROM unnest(%(models)s::text[], %(digests)s::text[]) AS m (model, digest)
), told AS (
    SELECT e.digest, e.asked_with, false AS of_classes, a.sample_id, a.valid, a.label, a.probabilities, a.answered_at
    FROM ljwx.evaluations e
    JOIN ljwx.question_sets q USING (question_set_id)
    JOIN ljwx.answers a USING (evaluation_id)
    WHERE e.digest = ANY(%(digests)s) AND NOT e.is_base AND q.kind = 'validation'
    UNION ALL
    SELECT e.digest, e.asked_with, true, a.sample_id, a.probabilities IS NOT NULL, NULL, a.probabilities, a.answered_at
    FROM ljwx.evaluations e
    JOIN ljwx.class_answers a USING (evaluation_id)
    WHERE e.digest = ANY(%(digests)s) AND NOT e.is_base
)
SELECT DISTINCT ON (s.session, s.ts_code, s.task, m.model, t.of_classes, t.asked_with)
       s.sample_id, s.task, s.ts_code, s.session, s.label AS truth, s.label_end, o.excess, m.model,
       md5(t.asked_with::text) AS asked, t.of_classes, t.valid, t.label, t.probabilities
FROM told t
JOIN made m USING (digest)
JOIN ljwx.samples s USING (sample_id)
LEFT JOIN LATERAL (
    SELECT d.excess
    FROM ljwx.dataset_samples d
    JOIN ljwx.datasets ds USING (dataset_id)
    WHERE d.sample_id = s.sample_id AND d.excess IS NOT NULL ORDER BY ds.known_at DESC LIMIT 1
) AS o ON true
WHERE s.task = ANY(%(tasks)s) AND s.session >= %(since)s AND s.label_end <= %(until)s
ORDER BY s.session, s.ts_code, s.task, m.model, t.of_classes, t.asked_with, t.answered_at
