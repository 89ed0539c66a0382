SELECT session, ts_code
FROM ljwx.index_members
WHERE index_code = %(index_code)s
  AND first_seen <= %(known_at)s AND (superseded_at IS NULL OR superseded_at > %(known_at)s)
ORDER BY session, ts_code
