-- Answers of models in the forward record to sessions that count: sealed in time, all questions answered in time by the
-- model, every outcome known. Outcomes are as they are known now; what is noted of a session by then stays.
WITH made AS (
    SELECT * FROM unnest(%(models)s::text[], %(digests)s::text[]) AS m (model, digest)
), batches AS MATERIALIZED (
    SELECT b.session, (b.spec ->> 'horizon')::int + coalesce((b.spec ->> 'exit_roll')::int, 0) AS reach
    FROM ljwx.forward_batches b
    WHERE b.session = ANY(%(sessions)s) AND b.session < %(until)s AND b.digest IS NOT NULL AND b.sealed_at < b.deadline
), asked AS MATERIALIZED (
    SELECT DISTINCT a.session, a.ts_code, a.task FROM ljwx.forward_answers a JOIN batches USING (session)
), outcomes AS MATERIALIZED (
    SELECT DISTINCT ON (o.session, o.ts_code, o.task) o.*
    FROM ljwx.forward_outcomes o JOIN batches USING (session)
    ORDER BY o.session, o.ts_code, o.task, o.revision DESC
), questions AS MATERIALIZED (
    SELECT a.session, count(*) AS asked, bool_and(o.session IS NOT NULL) AS settled, max(o.label_end) AS label_end
    FROM asked a LEFT JOIN outcomes o USING (session, ts_code, task)
    GROUP BY a.session
), said AS MATERIALIZED (
    SELECT DISTINCT ON (a.session, a.ts_code, a.task, a.digest) a.*
    FROM ljwx.forward_answers a JOIN batches USING (session)
    WHERE a.digest = ANY(%(digests)s) AND NOT a.late
    ORDER BY a.session, a.ts_code, a.task, a.digest, a.answered_at, a.answer_id
), whole AS MATERIALIZED (
    SELECT s.session, s.digest
    FROM said s JOIN questions q USING (session)
    GROUP BY s.session, s.digest, q.asked
    HAVING count(*) = q.asked
), holding AS MATERIALIZED (
    SELECT min(b.session) AS session
    FROM batches b JOIN questions q USING (session)
    WHERE NOT (q.settled AND coalesce(q.label_end, b.session) <= %(until)s)
      AND EXISTS (SELECT FROM whole w WHERE w.session = b.session)
      AND (SELECT count(*) FROM ljwx.sessions c WHERE c.session > b.session AND c.session <= %(until)s) <= 2 * b.reach
)
SELECT s.session || '/' || s.ts_code || '/' || s.task AS sample_id, s.task, s.ts_code, s.session, o.label AS truth,
       o.label_end, o.excess, m.model, 'record' AS asked, true AS of_classes, s.probabilities IS NOT NULL AS valid,
       NULL AS label, s.probabilities, 'record' AS source
FROM said s
JOIN whole w USING (session, digest)
JOIN made m USING (digest)
JOIN questions q USING (session)
JOIN outcomes o USING (session, ts_code, task)
CROSS JOIN holding h
WHERE s.task = ANY(%(tasks)s) AND q.settled AND q.label_end <= %(until)s AND o.label IS NOT NULL
  AND (h.session IS NULL OR s.session < h.session)
ORDER BY s.session, s.ts_code, s.task, m.model
