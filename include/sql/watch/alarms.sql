SELECT alarm_id, line_id, check_name AS "check", model, what, text, since, rang, done, because, promotion_id, ended
FROM ljwx.watch_alarms
WHERE ended IS NULL OR NOT %(is_open)s
ORDER BY alarm_id
