INSERT INTO ljwx.feature_marks (session, feature_version, computed_at)
SELECT session, %(feature_version)s, now() FROM ljwx.ingest_days WHERE complete AND session >= %(since)s
ON CONFLICT (session, feature_version) DO UPDATE SET computed_at = excluded.computed_at
