UPDATE ljwx.complete_days SET complete_until = now()
WHERE session = %(session)s AND complete_until IS NULL AND NOT (%(complete)s AND absent = %(absent)s)
