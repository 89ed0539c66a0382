-- The end of a name is left out: it is written over the row when the next name comes.
SELECT ts_code, name, start_date FROM ljwx.names WHERE first_seen <= %(known_at)s ORDER BY ts_code, start_date, name
