-- A line that is only kept, for what was built before or is a rival by itself, challenges nobody.
INSERT INTO ljwx.lines (line_id, strategy, recipe, run_key, closed_at)
VALUES (%(line_id)s, %(strategy)s, %(recipe)s, %(run_key)s, now())
ON CONFLICT (line_id) DO NOTHING
