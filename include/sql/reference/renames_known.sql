SELECT ts_code, renamed_to
FROM ljwx.instruments
WHERE renamed_to IS NOT NULL AND first_seen <= %(known_at)s AND (superseded_at IS NULL OR superseded_at > %(known_at)s)
