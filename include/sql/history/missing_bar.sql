SELECT EXISTS (
           SELECT FROM ljwx.suspensions WHERE session = %(session)s AND ts_code = %(ts_code)s AND kind = 'S'
       ) AS suspended,
       (
           SELECT reasons FROM ljwx.quarantine WHERE session = %(session)s AND ts_code = %(ts_code)s
           ORDER BY quarantine_id DESC LIMIT 1
       ) AS refused
