INSERT INTO ljwx.lines (line_id, strategy, recipe, run_key)
VALUES (%(line_id)s, %(strategy)s, %(recipe)s, %(run_key)s)
ON CONFLICT (line_id) DO UPDATE SET closed_at = NULL
