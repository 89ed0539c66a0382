INSERT INTO ljwx.line_uses (line_id, session, why, run_key)
SELECT m.line_id, session, 'promoted', %(run_key)s
FROM ljwx.models m, unnest(%(used)s::date[]) AS session
WHERE m.model = %(challenger)s AND m.line_id IS NOT NULL
ON CONFLICT (line_id, session) DO NOTHING
