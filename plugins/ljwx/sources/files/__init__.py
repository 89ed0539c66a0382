"""Files of TuShare's tables, in Parquet or CSV, as a source: history that somebody has fetched before."""
