-- Seconds of an answer in the newest evaluation in full, and in the newest of classes, with how many that asked of.
WITH asked_in_full AS (
    SELECT e.evaluation_id
    FROM ljwx.evaluations e
    JOIN ljwx.question_sets q USING (question_set_id)
    WHERE NOT e.is_base AND q.kind = 'validation'
      AND EXISTS (SELECT FROM ljwx.answers a WHERE a.evaluation_id = e.evaluation_id)
    ORDER BY e.evaluation_id DESC
    LIMIT 1
), asked_of_classes AS (
    SELECT e.evaluation_id, e.question_set_id
    FROM ljwx.evaluations e
    WHERE NOT e.is_base AND EXISTS (SELECT FROM ljwx.class_answers a WHERE a.evaluation_id = e.evaluation_id)
    ORDER BY e.evaluation_id DESC
    LIMIT 1
)
SELECT (SELECT avg(latency_s) FROM ljwx.answers JOIN asked_in_full USING (evaluation_id)) AS full_s,
       (SELECT avg(latency_s) FROM ljwx.class_answers JOIN asked_of_classes USING (evaluation_id)) AS class_s,
       (SELECT count(*) FROM ljwx.questions JOIN asked_of_classes USING (question_set_id)) AS classes
