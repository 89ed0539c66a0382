-- Seconds of an answer of a model in the newest batch that has any: of the class alone, and in full; how many of
-- each, about how many stocks, of how many models.
WITH newest AS (
    SELECT max(session) AS session FROM ljwx.forward_answers WHERE latency_s IS NOT NULL
)
SELECT avg(latency_s) FILTER (WHERE answer IS NULL) AS class_s,
       avg(latency_s) FILTER (WHERE answer IS NOT NULL) AS full_s,
       count(*) FILTER (WHERE answer IS NULL) AS classes,
       count(*) FILTER (WHERE answer IS NOT NULL) AS in_full,
       count(DISTINCT ts_code) AS stocks,
       count(DISTINCT digest) FILTER (WHERE line_id IS NOT NULL) AS ours,
       count(DISTINCT digest) FILTER (WHERE line_id IS NULL) AS bases
FROM ljwx.forward_answers a
JOIN newest USING (session)
WHERE latency_s IS NOT NULL
