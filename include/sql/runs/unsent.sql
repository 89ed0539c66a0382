-- Messages that no address took and that nobody is sending, of what is not over; digests of the record among them.
SELECT dag_id, run_id, kind, last_seen
FROM ljwx.incidents
WHERE failing <> '{}' AND sent_at IS NULL AND last_seen > now() - %(since)s
  AND (sending_since IS NULL OR sending_since < now() - %(patience)s)
UNION ALL
SELECT 'ljwx_forward', 'session ' || session, 'digest', sealed_at
FROM ljwx.forward_batches
WHERE published_at IS NULL
  AND sealed_at > ljwx.forward_clock() - %(since)s AND sealed_at < ljwx.forward_clock() - %(patience)s
ORDER BY last_seen
