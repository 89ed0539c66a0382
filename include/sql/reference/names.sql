SELECT ts_code, name, start_date, end_date FROM ljwx.names ORDER BY ts_code, start_date, name
