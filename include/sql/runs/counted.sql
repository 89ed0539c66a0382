SELECT 1 FROM ljwx.runs
WHERE jsonb_exists(outputs, %(count)s) AND coalesce(finished_at, started_at) >= %(since)s
LIMIT 1
