"""The forward record: what was answered before the outcome existed, and what it was worth when the outcome had come.

Pure: never imports airflow, an HTTP client, a database driver or a clock, so that a stranger can compute the same.
"""
