-- The end of a name is left out: at the session nobody knew it.
SELECT ts_code, name, start_date, ann_date
FROM ljwx.names
WHERE first_seen <= %(known_at)s AND (superseded_at IS NULL OR superseded_at > %(known_at)s)
ORDER BY ts_code, start_date, ann_date NULLS FIRST, name COLLATE "C"
