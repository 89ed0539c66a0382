SELECT DISTINCT session FROM ljwx.line_uses WHERE line_id = ANY(%(line_ids)s)
