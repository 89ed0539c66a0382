INSERT INTO ljwx.instruments (ts_code, revision, market, exchange, run_key)
VALUES (%(ts_code)s, 1, %(market)s, %(exchange)s, %(run_key)s)
ON CONFLICT DO NOTHING
