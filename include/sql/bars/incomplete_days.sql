SELECT session, complete, expected, received, quarantined, suspended, unfactored, missing, absent, deferred
FROM ljwx.ingest_days
WHERE NOT complete AND NOT 'stock_basic' = ANY (absent) AND missing && %(codes)s
ORDER BY session
