-- How many examples the run that built a model was told to show; null: as many as fit.
SELECT (r.inputs #>> '{settings,model,examples_per_task}')::int AS examples
FROM ljwx.models m
JOIN ljwx.runs r USING (run_key)
WHERE m.model = %(model)s
