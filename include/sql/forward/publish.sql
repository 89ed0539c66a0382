UPDATE ljwx.forward_batches SET published_at = ljwx.forward_clock() WHERE session = %(session)s AND published_at IS NULL
