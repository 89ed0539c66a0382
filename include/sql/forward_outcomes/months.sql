-- The months of the record, with what is known of the outcomes of their sessions.
SELECT to_char(b.session, 'YYYY-MM') AS month, max(o.settled_at) AS known_at,
       (count(*) FILTER (WHERE o.revision = 2))::int AS revised
FROM ljwx.forward_batches b
LEFT JOIN ljwx.forward_outcomes o USING (session)
GROUP BY 1
ORDER BY 1
