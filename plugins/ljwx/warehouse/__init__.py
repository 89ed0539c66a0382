"""The schema ljwx in PostgreSQL: one module a noun, the verbs on it, their SQL files in include/sql/<noun>."""
