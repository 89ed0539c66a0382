-- An end that we gave a code is no delisting: nobody knows what became of what one held.
SELECT ts_code, list_date, CASE WHEN end_reason IS NULL THEN delist_date END AS delist_date
FROM ljwx.instruments
WHERE first_seen <= %(known_at)s AND (superseded_at IS NULL OR superseded_at > %(known_at)s)
ORDER BY ts_code
