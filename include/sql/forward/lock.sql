SELECT FROM ljwx.forward_batches WHERE session = %(session)s AND sealed_at IS NULL FOR UPDATE
