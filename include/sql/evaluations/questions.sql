SELECT q.sample_id, s.task, s.ts_code, s.session, s.label, d.previous_label,
       s.snapshot ->> 'board' AS board, s.snapshot ->> 'industry' AS industry,
       s.snapshot::text AS snapshot, s.prompt_version
FROM ljwx.question_sets qs
JOIN ljwx.questions q USING (question_set_id)
JOIN ljwx.samples s USING (sample_id)
JOIN ljwx.dataset_samples d ON d.dataset_id = qs.dataset_id AND d.sample_id = q.sample_id
WHERE qs.question_set_id = %(question_set_id)s
ORDER BY q.position
