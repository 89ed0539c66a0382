"""DAG ljwx_forward: what models say of a session before the next one opens, locked."""
