"""A market of any length, some sessions or some stocks at a time.

Pure: never imports airflow, an HTTP client or a database driver.
"""
