INSERT INTO ljwx.rate_slots (scope, slot)
SELECT %(scope)s, slot FROM generate_series(1, %(limit)s) AS slot
WHERE NOT EXISTS (SELECT FROM ljwx.rate_slots WHERE scope = %(scope)s AND slot = %(limit)s)
ON CONFLICT DO NOTHING
