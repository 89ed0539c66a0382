"""DAG ljwx_daily_ingest: from a source's answers to checked bars and features."""
