SELECT p.promotion_id, p.challenger AS model, p.champion, p.verdict, p.promoted, p.reasons, p.decided_at,
       p.question_set_id, p.checks, p.proven, p.evidence, e.evaluation_id, e.scorecard,
       m.digest, m.strategy, m.base, m.base_digest, m.spec_sha256, m.created_at,
       d.dataset_id, d.sha256 AS dataset_sha256, d.parent_id, d.first_session, d.last_session, d.code_version,
       d.counts, r.dag_id, r.run_id
FROM ljwx.promotions p
JOIN ljwx.models m ON m.model = p.challenger
JOIN ljwx.datasets d USING (dataset_id)
JOIN ljwx.runs r ON r.run_key = p.run_key
LEFT JOIN ljwx.evaluations e ON e.evaluation_id = p.evaluation_id
WHERE p.promotion_id = %(promotion_id)s
