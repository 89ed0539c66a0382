-- Answers beside the newest of what came true. Of two answers of one name the first counts: a model that was replaced
-- half-way through a session answers no question twice. By line every model's answer stands, in the order they came. One
-- whose batch was not sealed before the deadline is late too: only the seal shows when all of them were there.
-- Every task has three classes, and both sides of the join come in the order of their keys: nothing is looked up answer
-- by answer.
SELECT a.session, a.ts_code, a.task, a.name AS answerer,
       a.late OR coalesce(b.sealed_at, ljwx.forward_clock()) >= b.deadline AS late,
       CASE WHEN a.probabilities IS NOT NULL THEN concat_ws(
           '|', coalesce(a.probabilities ->> a.classes[1], '0'), coalesce(a.probabilities ->> a.classes[2], '0'),
           coalesce(a.probabilities ->> a.classes[3], '0')) END AS probabilities,
       o.label, o.excess, o.reason, a.digest
FROM (
    SELECT DISTINCT ON (session, ts_code, task, name, which) *
    FROM ljwx.forward_answers
    CROSS JOIN LATERAL (
        SELECT CASE WHEN %(by_line)s THEN coalesce(line_id, answerer) ELSE answerer END AS name,
               CASE WHEN %(by_line)s THEN digest END AS which) n
    WHERE session >= %(first)s AND (%(names)s::text[] IS NULL OR answerer = ANY (%(names)s::text[]))
          AND (%(sessions)s::date[] IS NULL OR session = ANY (%(sessions)s::date[]))
    ORDER BY session, ts_code, task, name, which, answered_at, answer_id
) a
JOIN ljwx.forward_batches b USING (session)
LEFT JOIN (
    SELECT DISTINCT ON (session, ts_code, task) session, ts_code, task, label, excess, reason
    FROM ljwx.forward_outcomes
    WHERE session >= %(first)s AND (%(sessions)s::date[] IS NULL OR session = ANY (%(sessions)s::date[]))
    ORDER BY session, ts_code, task, revision DESC
) o USING (session, ts_code, task)
ORDER BY a.session, a.ts_code, a.task, a.name, a.answered_at, a.answer_id
