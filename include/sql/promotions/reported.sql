SELECT p.promotion_id, p.challenger AS model, p.champion, p.verdict, p.promoted, p.reasons, p.decided_at,
       p.question_set_id, p.checks, p.proven, p.evidence, e.evaluation_id, e.scorecard,
       m.digest, m.strategy, m.base, m.base_digest, m.spec_sha256, m.created_at,
       d.dataset_id, d.sha256 AS dataset_sha256, d.parent_id, d.first_session, d.last_session, d.code_version,
       d.counts, r.dag_id, r.run_id, coalesce(p.checks, m.verified) -> 'served' AS served,
       CASE WHEN t.finished_at IS NOT NULL THEN jsonb_build_object(
           'recipe_id', t.recipe_id, 'recipe', t.recipe, 'job', t.job, 'base_gguf', t.base_gguf,
           'adapter_sha256', t.adapter_sha256, 'gguf_sha256', t.gguf_sha256, 'result', t.result,
           'started_at', to_char(t.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),
           'finished_at', to_char(t.finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI UTC')) END AS training
FROM ljwx.promotions p
JOIN ljwx.models m ON m.model = p.challenger
JOIN ljwx.datasets d USING (dataset_id)
JOIN ljwx.runs r ON r.run_key = p.run_key
LEFT JOIN ljwx.trainings t ON t.recipe_id = m.recipe_id
LEFT JOIN ljwx.evaluations e ON e.evaluation_id = p.evaluation_id
WHERE p.promotion_id = %(promotion_id)s
