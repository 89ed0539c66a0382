SELECT DISTINCT ts_code FROM ljwx.forward_answers WHERE session = %(session)s AND digest IS NULL ORDER BY ts_code
