"""Weights that are trained: settings, recipe, rows, what a trainer hands back, and the proof that it is served.

Pure: never imports airflow, an HTTP client or a database driver; nor the trainer, which lives in an environment of its
own and is met through files of JSON alone.
"""
