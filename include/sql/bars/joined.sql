SELECT ts_code, session, adj_factor, up_limit, down_limit
FROM ljwx.bars
WHERE session = ANY (%(sessions)s::date[]) AND superseded_at IS NULL
ORDER BY ts_code, session
