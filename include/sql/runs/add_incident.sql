-- A message is due for an incident that is new, or that reached nobody yet. Somebody who began to send it is left
-- alone while that can be going on; only failures and lateness have several senders at a time.
INSERT INTO ljwx.incidents AS known (dag_id, run_id, kind, failing, sending_since)
VALUES (%(dag_id)s, %(run_id)s, %(kind)s, ARRAY[%(what)s::text], now())
ON CONFLICT (dag_id, run_id, kind) DO UPDATE
SET last_seen = greatest(known.last_seen, now()),
    count = known.count + 1,
    (told_at, sending_since, sent_at) = (
        SELECT CASE WHEN due THEN known.count + 1 ELSE known.told_at END,
               CASE WHEN due THEN now() ELSE known.sending_since END,
               CASE WHEN due THEN NULL ELSE known.sent_at END
        FROM (SELECT known.failing = '{}' OR known.sent_at IS NULL AND (
                  known.sending_since IS NULL OR known.sending_since < now() - %(patience)s
                  OR %(kind)s NOT IN ('failed', 'late')) AS due) d),
    failing = array_remove(known.failing, %(what)s) || %(what)s::text
RETURNING CASE WHEN told_at = count THEN sending_since END AS due
