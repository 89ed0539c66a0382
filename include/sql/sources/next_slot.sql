SELECT extract(epoch FROM min(used_at) + make_interval(secs => %(window)s) - clock_timestamp()) AS wait_seconds
FROM ljwx.rate_slots
WHERE scope = %(scope)s AND slot <= %(limit)s AND used_at > '-infinity'
