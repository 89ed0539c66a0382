UPDATE ljwx.names SET superseded_at = now()
WHERE superseded_at IS NULL
  AND (ts_code, start_date, name) IN (SELECT * FROM unnest(%(ts_codes)s::text[], %(days)s::date[], %(names)s::text[]))
