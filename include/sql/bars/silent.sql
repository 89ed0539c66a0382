SELECT code
FROM (
    SELECT missing FROM ljwx.ingest_days
    WHERE NOT 'stock_basic' = ANY (absent) AND received * 2 >= expected
    ORDER BY session DESC LIMIT %(sessions)s
) AS last, unnest(missing) AS code
GROUP BY code
HAVING count(*) = %(sessions)s
ORDER BY code
