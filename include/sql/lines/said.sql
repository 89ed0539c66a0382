-- Answers of models to the questions of some tasks, each question once for a model and a way of asking. The sealed split
-- and masked questions are no evidence. Nor is a session of which a class was asked and has not come yet: its first word
-- stays, and would be about those alone who answered. Later ones wait for it while it is in the newest set.
WITH made AS (
    SELECT * FROM unnest(%(models)s::text[], %(digests)s::text[]) AS m (model, digest)
), opened AS (
    SELECT e.evaluation_id, e.question_set_id, e.digest, e.asked_with, q.kind,
           dense_rank() OVER (ORDER BY e.digest, e.asked_with) AS way
    FROM ljwx.evaluations e
    JOIN ljwx.question_sets q USING (question_set_id)
    WHERE e.digest = ANY(%(digests)s) AND NOT e.is_base
), newest AS (
    SELECT DISTINCT ON (way) way, question_set_id FROM opened WHERE kind = 'classes' ORDER BY way, evaluation_id DESC
), waiting AS (
    SELECT w.way, s.session, bool_or(n.question_set_id IS NOT NULL) AS holds
    FROM (
        SELECT o.way, u.sample_id FROM opened o JOIN ljwx.questions u USING (question_set_id) WHERE o.kind = 'classes'
        EXCEPT
        SELECT o.way, a.sample_id FROM opened o JOIN ljwx.class_answers a USING (evaluation_id)
    ) AS w
    JOIN ljwx.samples s USING (sample_id)
    LEFT JOIN (newest JOIN ljwx.questions USING (question_set_id)) AS n ON n.way = w.way AND n.sample_id = w.sample_id
    GROUP BY w.way, s.session
), told AS (
    SELECT o.way, o.digest, o.asked_with, false AS of_classes, a.sample_id, a.valid, a.label, a.probabilities,
           a.answered_at
    FROM opened o
    JOIN ljwx.answers a USING (evaluation_id)
    WHERE o.kind = 'validation'
    UNION ALL
    SELECT o.way, o.digest, o.asked_with, true, a.sample_id, a.probabilities IS NOT NULL, NULL, a.probabilities,
           a.answered_at
    FROM opened o
    JOIN ljwx.class_answers a USING (evaluation_id)
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
  AND NOT (t.of_classes AND EXISTS (
      SELECT FROM waiting w WHERE w.way = t.way AND (w.session = s.session OR w.holds AND w.session < s.session)))
ORDER BY s.session, s.ts_code, s.task, m.model, t.of_classes, t.asked_with, t.answered_at
