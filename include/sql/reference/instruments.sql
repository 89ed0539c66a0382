SELECT ts_code, name, industry, market, exchange, list_status, list_date, delist_date, end_reason, renamed_to
FROM ljwx.current_instruments
ORDER BY ts_code
