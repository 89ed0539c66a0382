"""What a person asks about stocks in their own words, and the report that answers. Pure: no airflow, HTTP or SQL."""
