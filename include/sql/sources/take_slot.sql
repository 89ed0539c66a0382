UPDATE ljwx.rate_slots SET used_at = clock_timestamp()
WHERE (scope, slot) = (
    SELECT scope, slot FROM ljwx.rate_slots
    WHERE scope = %(scope)s AND slot <= %(limit)s
      AND used_at < clock_timestamp() - make_interval(secs => %(window)s)
    ORDER BY used_at
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
RETURNING slot
