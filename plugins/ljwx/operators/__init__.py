"""Airflow operators: validate, log, one hook call, return."""
