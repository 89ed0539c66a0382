"""The pure core: data in, data out. Nothing here may import airflow, an HTTP client or a database driver."""
