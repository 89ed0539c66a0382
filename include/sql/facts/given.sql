-- Keys of the current rows of a range that a source gave, and no file.
SELECT f.ts_code, f.session
FROM {ljwx} f
JOIN ljwx.runs r USING (run_key)
WHERE f.superseded_at IS NULL AND f.session BETWEEN %(first)s AND %(last)s AND f.ts_code = ANY(%(codes)s)
  AND r.inputs ->> 'source' IS DISTINCT FROM 'files'
