WITH gone AS (
    SELECT m.model, e.evaluation_id
    FROM ljwx.models m
    JOIN ljwx.evaluations e USING (model)
    WHERE (m.deleted_at AT TIME ZONE 'Asia/Shanghai')::date < %(before)s
), stored AS (
    SELECT g.model, pg_column_size(a.*) AS bytes FROM gone g JOIN ljwx.answers a USING (evaluation_id)
    UNION ALL
    SELECT g.model, pg_column_size(a.*) FROM gone g JOIN ljwx.class_answers a USING (evaluation_id)
)
SELECT model AS name, count(*) AS rows, sum(bytes)::bigint AS bytes
FROM stored
GROUP BY model
ORDER BY model
