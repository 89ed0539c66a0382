SELECT ts_code, session
FROM unnest(%(codes)s::text[]) AS wanted (ts_code)
CROSS JOIN LATERAL (
    SELECT max(b.session) AS session FROM ljwx.bars b WHERE b.ts_code = wanted.ts_code AND b.superseded_at IS NULL
) AS last
WHERE session IS NOT NULL
