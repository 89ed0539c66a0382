-- A decision on what the name stood for before it was built again is none on this model, unless it was found to stand;
-- and neither is a refusal, once the model has passed its verification.
SELECT m.model AS name, (m.created_at AT TIME ZONE 'Asia/Shanghai')::date AS created, m.dataset_id AS dataset,
       m.verified IS NOT NULL AS verified, m.recipe_id AS recipe,
       EXISTS (
           SELECT FROM ljwx.promotions p
           WHERE p.challenger = m.model AND (p.verdict <> 'refused' OR m.verified IS NULL) AND (p.decided_at >= m.created_at OR EXISTS (
               SELECT FROM ljwx.runs r
               WHERE r.task_id = 'decide_promotion' AND r.finished_at >= m.created_at
                   AND r.outputs ->> 'promotion_id' = p.promotion_id::text
           ))
       ) AS decided
FROM ljwx.models m
WHERE m.deleted_at IS NULL
