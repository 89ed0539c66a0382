SELECT absent FROM ljwx.ingest_days ORDER BY session DESC LIMIT 1
