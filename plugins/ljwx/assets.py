"""Every asset, in pipeline order: what one DAG announces and the next one waits for.

They are names without an address: for an address Airflow imports every provider's handlers, boto3 among them.
"""

from __future__ import annotations

from airflow.sdk import Asset

BARS = Asset("bars", group="ljwx", extra={"tables": "bars, features"})
"""Complete sessions, bars with their features. One partition per session, keyed YYYY-MM-DD."""

DATASET = Asset("dataset", group="ljwx", extra={"tables": "samples, datasets"})
"""A new dataset; the event's extra carries `dataset_id`."""

MODEL = Asset("model", group="ljwx", extra={"tables": "models, evaluations, promotions, aliases"})
"""A decision about a model; the event's extra carries `model` and `verdict`."""

FORWARD = Asset("forward", group="ljwx", extra={"tables": "forward_batches, forward_answers"})
"""A sealed session of the forward record; the event's extra carries `session` and `digest`."""

LATEST = "latest"
"""The one partition key of everything after the bars: a run takes all that is waiting, however many events woke it."""
