INSERT INTO ljwx.incidents AS known (dag_id, run_id, kind, failing)
VALUES (%(dag_id)s, %(run_id)s, %(kind)s, ARRAY[%(what)s::text])
ON CONFLICT (dag_id, run_id, kind) DO UPDATE
SET last_seen = greatest(known.last_seen, now()),
    count = known.count + 1,
    told_at = CASE WHEN known.failing = '{}' THEN known.count + 1 ELSE known.told_at END,
    failing = array_remove(known.failing, %(what)s) || %(what)s::text
RETURNING told_at = count AS due
