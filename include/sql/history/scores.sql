-- Of the newest models that were scored: the main numbers of each and of its rivals on the same questions, by task.
SELECT e.model, e.created_at, card.answerer, part.part, (part.score ->> 'n')::integer AS n,
       (part.score ->> 'accuracy')::double precision AS accuracy,
       (part.score #>> '{accuracy_interval,low}')::double precision AS low,
       (part.score #>> '{accuracy_interval,high}')::double precision AS high,
       (part.score #>> '{calibration,brier}')::double precision AS brier,
       (part.score #>> '{calibration,ece}')::double precision AS ece,
       (part.score #>> '{rank_ic,mean}')::double precision AS rank_ic
FROM (
    SELECT m.model, m.created_at, e.scorecard
    FROM ljwx.models m
    JOIN LATERAL (
        SELECT scorecard FROM ljwx.evaluations e JOIN ljwx.question_sets q USING (question_set_id)
        WHERE e.model = m.model AND q.kind = 'validation' AND e.scorecard IS NOT NULL
        ORDER BY e.evaluation_id DESC LIMIT 1
    ) e ON true
    ORDER BY m.created_at DESC
    LIMIT %(newest)s
) e
CROSS JOIN LATERAL jsonb_each(e.scorecard) AS card (answerer, card)
CROSS JOIN LATERAL (
    SELECT 'overall' AS part, card.card -> 'overall' AS score
    UNION ALL
    SELECT each.key, each.value FROM jsonb_each(card.card -> 'tasks') AS each
) part
ORDER BY e.created_at, e.model, card.answerer, part.part
