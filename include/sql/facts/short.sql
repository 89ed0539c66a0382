-- Complete sessions of which the table has few rows, or none.
SELECT d.session
FROM ljwx.ingest_days d
WHERE d.complete AND d.session BETWEEN %(first)s AND %(last)s
  AND (SELECT count(*) FROM {ljwx} f WHERE f.session = d.session AND f.superseded_at IS NULL)
      < %(share)s * d.received
ORDER BY d.session
