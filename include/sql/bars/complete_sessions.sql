SELECT session FROM ljwx.ingest_days
WHERE complete
  AND session >= coalesce(%(first)s::date, '-infinity') AND session <= coalesce(%(last)s::date, 'infinity')
ORDER BY session
