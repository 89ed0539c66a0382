SELECT min(session) AS session FROM ljwx.bars WHERE ts_code = ANY (%(codes)s) AND superseded_at IS NULL
