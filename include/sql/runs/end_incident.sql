UPDATE ljwx.incidents
SET failing = '{}'
WHERE dag_id = %(dag_id)s AND run_id = %(run_id)s AND kind = %(kind)s
