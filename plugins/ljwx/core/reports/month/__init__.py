"""A month of the forward record on paper, for strangers: what was asked, who answered, and what it was worth.

Pure: never imports airflow, an HTTP client, a database driver or a clock, so that the same rows give the same page.
"""
