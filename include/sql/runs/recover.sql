UPDATE ljwx.incidents
SET failing = array_remove(failing, %(what)s)
WHERE dag_id = %(dag_id)s AND run_id = %(run_id)s AND kind = 'failed' AND %(what)s = ANY (failing)
