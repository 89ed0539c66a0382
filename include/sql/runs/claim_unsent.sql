-- Failures and lateness whose message reached nobody, from now on sent by whoever asks; the others have their senders.
UPDATE ljwx.incidents
SET sending_since = now()
WHERE failing <> '{}' AND sent_at IS NULL AND last_seen > now() - %(since)s AND kind IN ('failed', 'late')
  AND (sending_since IS NULL OR sending_since < now() - %(patience)s)
RETURNING dag_id, run_id, kind, failing, last_seen, sending_since
