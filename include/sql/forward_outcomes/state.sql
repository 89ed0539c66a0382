SELECT (SELECT count(*) FROM ljwx.forward_batches) AS batches,
       (SELECT digest FROM ljwx.forward_batches WHERE digest IS NOT NULL ORDER BY session DESC LIMIT 1) AS digest,
       (SELECT max(session) FROM ljwx.ingest_days WHERE complete) AS last,
       (SELECT max(known_at) FROM ljwx.forward_settled) AS settled,
       (SELECT max(first_seen) FROM ljwx.index_bars) AS levels
