SELECT ts_code, name, start_date, end_date, ann_date
FROM ljwx.names
WHERE superseded_at IS NULL
ORDER BY ts_code, start_date, ann_date NULLS FIRST, name COLLATE "C"
