"""What happened after a close, as a trader could have had it, and what it cost. Pure: no airflow, HTTP or SQL."""

LABEL_VERSION = "2"
"""Changes whenever what a label means changes; part of a dataset's spec.

1: a close at the down limit could be sold, and the market that a return was measured against paid no costs.
"""
