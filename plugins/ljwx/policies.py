"""How tasks fail and retry: the same answer to the same trouble in every DAG."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception="ljwx.exceptions.RateLimited",
            action=RetryAction.RETRY,
            retry_delay=timedelta(seconds=65),
            reason="the tier's minute is used up",
        ),
        RetryRule(
            exception="ljwx.exceptions.NotYetPublished",
            action=RetryAction.RETRY,
            retry_delay=timedelta(minutes=15),
            reason="the session is not complete at the source yet",
        ),
        RetryRule(
            exception=[
                "ljwx.exceptions.TushareUnavailable",
                "ljwx.exceptions.MalformedAnswer",
                "ljwx.exceptions.OllamaUnreachable",
                "ljwx.exceptions.OllamaTimeout",
            ],
            action=RetryAction.RETRY,
            retry_delay=timedelta(seconds=30),
            reason="the server is in trouble",
        ),
    ]
)

DEFAULT_ARGS: dict[str, Any] = {
    "owner": "ljwx",
    "retries": 3,
    "retry_delay": timedelta(minutes=1),
    "retry_policy": RETRY_POLICY,
}
