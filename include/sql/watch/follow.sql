-- What follows an alarm is written once.
UPDATE ljwx.watch_alarms SET done = %(done)s, because = %(because)s, promotion_id = %(promotion_id)s
WHERE alarm_id = %(alarm_id)s AND done IS NULL
