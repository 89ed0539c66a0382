INSERT INTO ljwx.quarantine (session, ts_code, reasons, raw, raw_sha256, run_key)
VALUES (%(session)s, %(ts_code)s, %(reasons)s, %(raw)s::jsonb, %(raw_sha256)s, %(run_key)s)
ON CONFLICT (coalesce(session, '-infinity'), raw_sha256) DO NOTHING
