DELETE FROM ljwx.feature_marks
WHERE session >= (SELECT min(session) FROM ljwx.bars WHERE ts_code = ANY (%(codes)s) AND superseded_at IS NULL)
