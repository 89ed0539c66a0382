DELETE FROM ljwx.feature_marks WHERE session >= %(since)s
