-- What models said about one stock beside the newest of what came true; one answer of a name and late as in record.sql.
SELECT DISTINCT ON (a.session, a.task, a.answerer)
       a.session, a.task, a.answerer, a.probabilities,
       a.late OR coalesce(b.sealed_at, ljwx.forward_clock()) >= b.deadline AS late,
       o.label AS came, o.reason
FROM ljwx.forward_answers a
JOIN ljwx.forward_batches b USING (session)
LEFT JOIN LATERAL (
    SELECT label, reason
    FROM ljwx.forward_outcomes o
    WHERE o.session = a.session AND o.ts_code = a.ts_code AND o.task = a.task
    ORDER BY revision DESC
    LIMIT 1
) o ON true
WHERE a.ts_code = ANY (%(codes)s) AND a.digest IS NOT NULL AND a.session >= %(first)s
ORDER BY a.session, a.task, a.answerer, a.answered_at, a.answer_id
