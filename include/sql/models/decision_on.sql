SELECT q.dataset_id, p.policy, p.settings -> 'evaluation' AS evaluation
FROM ljwx.promotions p
JOIN ljwx.models m ON m.model = p.challenger AND m.deleted_at IS NULL AND m.verified IS NOT NULL
JOIN ljwx.question_sets q USING (question_set_id)
WHERE p.challenger = %(model)s AND p.verdict NOT IN ('rolled_back', 'refused')
ORDER BY p.promotion_id DESC
LIMIT 1
