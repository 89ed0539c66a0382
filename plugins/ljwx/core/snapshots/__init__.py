"""Snapshots: the facts of one stock as of one session, and their canonical JSON. Pure: no airflow, HTTP or SQL."""
