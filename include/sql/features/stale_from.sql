-- Not computed yet; or, since it was: a bar came that differs in what features read, a bar was withdrawn, or the
-- session was incomplete for a while, in which later sessions were computed across the hole.
SELECT min(b.session) AS session
FROM ljwx.bars b
JOIN ljwx.ingest_days d ON d.session = b.session AND d.complete
LEFT JOIN ljwx.complete_days c ON c.session = b.session AND c.complete_until IS NULL
LEFT JOIN ljwx.feature_marks m ON m.session = b.session AND m.feature_version = %(feature_version)s
WHERE m.session IS NULL
   OR c.complete_from > m.computed_at
   OR b.superseded_at IS NULL AND b.first_seen > m.computed_at AND NOT EXISTS (
          SELECT FROM ljwx.bars was
          WHERE was.session = b.session AND was.ts_code = b.ts_code
            AND was.first_seen <= m.computed_at AND was.superseded_at > m.computed_at
            AND ({was}) IS NOT DISTINCT FROM ({b}))
   OR b.superseded_at > m.computed_at AND NOT EXISTS (
          SELECT FROM ljwx.bars now_current
          WHERE now_current.session = b.session AND now_current.ts_code = b.ts_code
            AND now_current.superseded_at IS NULL)
