"""Overviews of more than one stock: a comparison, and a session of the whole market. Pure: no airflow, HTTP or SQL."""
