SELECT ts_code, name, industry, market, exchange, list_status, list_date, delist_date
FROM ljwx.current_instruments
ORDER BY ts_code
