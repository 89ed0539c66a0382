UPDATE ljwx.watch_alarms SET ended = %(session)s WHERE alarm_id = %(alarm_id)s AND ended IS NULL
