-- What came of sending a message: the moment at which an address took it, or that none did. Another message may be on
-- its way by now, and its sender says what came of that.
UPDATE ljwx.incidents
SET sending_since = NULL, sent_at = CASE WHEN %(taken)s THEN now() END
WHERE dag_id = %(dag_id)s AND run_id = %(run_id)s AND kind = %(kind)s AND sending_since = %(begun)s
