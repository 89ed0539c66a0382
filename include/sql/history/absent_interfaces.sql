SELECT ARRAY(
    SELECT name || CASE WHEN name = ANY (deferred) THEN ' (for now)' ELSE '' END
    FROM unnest(absent) WITH ORDINALITY AS lacking (name, place)
    ORDER BY place
) AS absent
FROM ljwx.ingest_days
ORDER BY session DESC
LIMIT 1
