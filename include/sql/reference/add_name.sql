INSERT INTO ljwx.names (ts_code, start_date, name, end_date, ann_date, change_reason, run_key)
VALUES (%(ts_code)s, %(start_date)s, %(name)s, %(end_date)s, %(ann_date)s, %(change_reason)s, %(run_key)s)
ON CONFLICT (ts_code, start_date, name) DO UPDATE SET end_date = excluded.end_date
WHERE ljwx.names.end_date IS NULL AND excluded.end_date IS NOT NULL
