INSERT INTO ljwx.watch_alarms (line_id, check_name, model, what, text, since, rang, run_key)
VALUES (%(line_id)s, %(check)s, %(model)s, %(what)s, %(text)s, %(since)s, %(rang)s, %(run_key)s)
ON CONFLICT (line_id, check_name) WHERE ended IS NULL DO NOTHING
