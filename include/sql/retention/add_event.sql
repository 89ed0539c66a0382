INSERT INTO ljwx.retention_events (kind, name, reason, bytes, dry_run, run_key)
VALUES (%(kind)s, %(name)s, %(reason)s, %(bytes)s, %(dry_run)s, %(run_key)s)
