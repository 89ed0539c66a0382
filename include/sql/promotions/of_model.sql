SELECT q.dataset_id, p.policy, r.inputs #> '{settings,evaluation}' AS evaluation
FROM ljwx.promotions p
JOIN ljwx.models m ON m.model = p.challenger AND m.deleted_at IS NULL
JOIN ljwx.question_sets q USING (question_set_id)
JOIN ljwx.runs r ON r.run_key = p.run_key
WHERE p.challenger = %(model)s AND p.verdict <> 'rolled_back'
ORDER BY p.promotion_id DESC
LIMIT 1
