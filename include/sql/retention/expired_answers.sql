SELECT m.model AS name, count(*) AS rows, sum(pg_column_size(a.*))::bigint AS bytes
FROM ljwx.models m
JOIN ljwx.evaluations e USING (model)
JOIN ljwx.answers a USING (evaluation_id)
WHERE (m.deleted_at AT TIME ZONE 'Asia/Shanghai')::date < %(before)s
GROUP BY m.model
ORDER BY m.model
