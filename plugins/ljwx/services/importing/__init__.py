"""History from files: found, put in order on disk, and written month by month by the rules of the ingest."""
