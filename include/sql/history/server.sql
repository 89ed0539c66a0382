SELECT current_setting('server_version') AS version, now() AS now, pg_backend_pid() <> %(session)s AS pooled
