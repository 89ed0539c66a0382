SELECT finished_at FROM ljwx.runs
WHERE jsonb_exists(outputs, %(doubt)s) AND finished_at > coalesce((
    SELECT max(finished_at) FROM ljwx.runs
    WHERE jsonb_exists(outputs, %(answer)s) AND NOT jsonb_exists(outputs, %(doubt)s)
), '-infinity')
ORDER BY finished_at
