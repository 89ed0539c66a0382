-- stock_basic tells the industry of the day on which it is asked, and nothing of the days before, nor of codes that we
-- ended.
SELECT DISTINCT ON (ts_code, start_date)
       ts_code, industry, (first_seen AT TIME ZONE 'Asia/Shanghai')::date AS start_date
FROM ljwx.instruments
WHERE first_seen <= %(known_at)s AND end_reason IS NULL
ORDER BY ts_code, start_date, revision DESC
