SELECT to_char(first_seen AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM') AS name, count(*) AS rows,
       sum(pg_column_size(q.*))::bigint AS bytes
FROM ljwx.quarantine q
WHERE (first_seen AT TIME ZONE 'Asia/Shanghai')::date < %(before)s
GROUP BY 1
ORDER BY 1
