SELECT ts_code, list_date, delist_date
FROM ljwx.instruments
WHERE first_seen <= %(known_at)s AND (superseded_at IS NULL OR superseded_at > %(known_at)s)
ORDER BY ts_code
