-- Every decision, whatever it said, cites both models and the datasets that they and its questions were made from. A
-- refusal has neither questions nor a champion.
SELECT DISTINCT cited.kind, cited.name, 'promotion ' || p.promotion_id AS by,
       (p.decided_at AT TIME ZONE 'Asia/Shanghai')::date AS "on"
FROM ljwx.promotions p
LEFT JOIN ljwx.question_sets q USING (question_set_id)
JOIN ljwx.models challenger ON challenger.model = p.challenger
LEFT JOIN ljwx.models champion ON champion.model = p.champion
CROSS JOIN LATERAL (
    VALUES ('model', challenger.model), ('model', champion.model), ('dataset', challenger.dataset_id),
           ('dataset', champion.dataset_id), ('dataset', q.dataset_id)
) AS cited (kind, name)
WHERE cited.name IS NOT NULL
