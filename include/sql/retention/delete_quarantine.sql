DELETE FROM ljwx.quarantine
WHERE (first_seen AT TIME ZONE 'Asia/Shanghai')::date < %(before)s
    AND to_char(first_seen AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM') = %(name)s
