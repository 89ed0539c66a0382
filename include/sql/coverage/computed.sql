-- Complete sessions whose features are there.
SELECT m.session
FROM ljwx.feature_marks m
JOIN ljwx.ingest_days d USING (session)
WHERE d.complete AND m.feature_version = %(feature_version)s
ORDER BY m.session
