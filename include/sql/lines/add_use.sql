INSERT INTO ljwx.line_uses (line_id, session, why, run_key)
SELECT %(line_id)s, unnest(%(sessions)s::date[]), %(why)s, %(run_key)s
ON CONFLICT (line_id, session) DO NOTHING
