SELECT m.model, m.created_at, m.strategy, m.base, m.dataset_id, m.deleted_at, p.promotion_id, p.verdict, p.promoted,
       p.proven, p.evidence, p.champion AS against, p.decided_at,
       CASE WHEN p.verdict = 'refused' THEN p.reasons #>> '{-1,text}' END AS refused_for,
       e.scorecard -> 'model' -> 'overall' AS overall, e.evaluation_id
FROM ljwx.models m
LEFT JOIN LATERAL (
    -- A refusal is the verdict until the model passes, and none on what is built anew under its name.
    SELECT * FROM ljwx.promotions
    WHERE challenger = m.model AND (verdict <> 'refused' OR (m.verified IS NULL AND decided_at >= m.created_at))
    ORDER BY decided_at DESC LIMIT 1
) p ON true
LEFT JOIN LATERAL (
    -- As a later model's rival it is asked other questions, and gets no scorecard for them.
    SELECT e.* FROM ljwx.evaluations e JOIN ljwx.question_sets q USING (question_set_id)
    WHERE e.model = m.model AND q.kind = 'validation' AND e.scorecard IS NOT NULL ORDER BY e.evaluation_id DESC LIMIT 1
) e ON true
ORDER BY m.created_at DESC
LIMIT %(newest)s
