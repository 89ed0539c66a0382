"""DAG ljwx_cleanup: remove what nothing cites, and list what has lost its other half."""
