-- Of each line the last session of the newest data that a model was made from or planned on, refused and failed ones included.
SELECT line_id, max(last_session)
FROM (
    SELECT m.line_id, d.last_session
    FROM ljwx.models m
    JOIN ljwx.datasets d USING (dataset_id)
    WHERE m.line_id IS NOT NULL
    UNION ALL
    SELECT outputs ->> 'line_id', (outputs ->> 'last_session')::date
    FROM ljwx.runs
    WHERE task_id = 'plan_build' AND outputs ? 'line_id' AND run_id <> %(run_id)s
) tried
GROUP BY line_id
