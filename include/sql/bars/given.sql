-- Complete sessions of a range that a source gave, and no file.
SELECT d.session
FROM ljwx.ingest_days d
JOIN ljwx.runs r USING (run_key)
WHERE d.complete AND d.session BETWEEN %(first)s AND %(last)s AND r.inputs ->> 'source' IS DISTINCT FROM 'files'
ORDER BY d.session
