SELECT s.sample_id, s.ts_code, s.session, s.task, s.label, s.label_end, s.bars_from, s.snapshot_sha256,
       s.feature_version, r.dag_id, r.run_id, r.task_id, r.map_index
FROM ljwx.samples s
JOIN ljwx.runs r USING (run_key)
WHERE s.sample_id >= %(name)s AND s.sample_id < %(name)s || 'g'
ORDER BY s.sample_id
LIMIT 2
