"""What happened after a close, as a trader could have had it, and what it cost. Pure: no airflow, HTTP or SQL."""
