-- Sessions whose outcomes are open, or of which bars have changed since they were settled. A horizon is over, at the
-- earliest, when so many complete sessions have come.
WITH days AS (
    SELECT session, max(greatest(first_seen, superseded_at)) AS changed_at
    FROM ljwx.bars
    WHERE session >= (SELECT min(session) FROM ljwx.forward_batches)
    GROUP BY session
), ahead AS (
    SELECT b.session, count(c.session) AS complete
    FROM ljwx.forward_batches b
    LEFT JOIN ljwx.ingest_days c ON c.complete AND c.session > b.session
    GROUP BY b.session
), reaching AS (
    SELECT b.session,
           (SELECT d.session FROM days d WHERE d.session > b.session ORDER BY d.session
            OFFSET greatest((b.spec ->> 'horizon')::int + coalesce((b.spec ->> 'exit_roll')::int, 0) - 1, 0) LIMIT 1) AS last
    FROM ljwx.forward_batches b
)
SELECT b.session
FROM ljwx.forward_batches b
JOIN ahead USING (session)
JOIN reaching USING (session)
LEFT JOIN ljwx.forward_settled s USING (session)
WHERE ahead.complete >= (b.spec ->> 'horizon')::int
  AND EXISTS (SELECT FROM ljwx.forward_answers a WHERE a.session = b.session)
  AND (s.session IS NULL
       OR EXISTS (SELECT FROM days d WHERE d.session BETWEEN b.session AND coalesce(reaching.last, 'infinity')
                  AND d.changed_at > s.known_at)
       OR EXISTS (SELECT FROM ljwx.forward_answers a WHERE a.session = b.session AND NOT EXISTS (
                  SELECT FROM ljwx.forward_outcomes o
                  WHERE o.session = a.session AND o.ts_code = a.ts_code AND o.task = a.task)))
ORDER BY b.session
