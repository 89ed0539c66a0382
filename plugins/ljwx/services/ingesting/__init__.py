"""Rows of a source into the warehouse, by the same rules whoever brings them: the ingest, or an import of files."""
