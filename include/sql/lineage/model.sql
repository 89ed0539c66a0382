SELECT m.model, m.digest, m.strategy, m.base, m.base_digest, m.spec_sha256, m.dataset_id, m.created_at, m.deleted_at, m.recipe_id,
       m.verified IS NOT NULL AS verified, r.dag_id, r.run_id, r.task_id, r.map_index,
       ARRAY(SELECT alias FROM ljwx.aliases a WHERE a.model = m.model ORDER BY alias) AS aliases
FROM ljwx.models m
JOIN ljwx.runs r USING (run_key)
WHERE m.model = %(name)s
