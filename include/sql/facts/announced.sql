-- All revisions of announcements that were known at a moment, null: now, with the days that say since when.
SELECT f.ts_code, f.kind, f.period, f.announced, f.corrected::text AS corrected, {f}, f.revision,
       (f.first_seen AT TIME ZONE 'Asia/Shanghai')::date AS seen,
       (s.first_seen AT TIME ZONE 'Asia/Shanghai')::date AS since
FROM {ljwx} f
JOIN (SELECT kind, min(first_seen) AS first_seen FROM {ljwx} GROUP BY kind) s USING (kind)
WHERE f.announced BETWEEN %(first)s AND %(last)s AND f.first_seen <= coalesce(%(known_at)s::timestamptz, now())
ORDER BY f.ts_code, f.announced, f.kind, f.period, f.corrected, f.revision
