"""How tasks fail and retry: the same answer to the same trouble in every DAG."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryDecision, RetryRule

from ljwx.exceptions import RateLimited
from ljwx.notifications.alerts import FailureAlert, note_recovery

if TYPE_CHECKING:
    from airflow.sdk import Context


class WaitingRetryPolicy(ExceptionRetryPolicy):
    """The rules, but that a used-up limit is waited for as long as the exception says: a minute, an hour, a day."""

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        """Decide in the worker, where the exception is at hand."""
        if isinstance(exception, RateLimited):
            wait = timedelta(seconds=exception.wait_seconds)
            return RetryDecision.retry(wait, f"the tier's {exception.unit} is used up")
        return super().evaluate(exception, try_number, max_tries, context)


RETRY_POLICY = WaitingRetryPolicy(
    rules=[
        RetryRule(
            exception="ljwx.exceptions.NotYetPublished",
            action=RetryAction.RETRY,
            retry_delay=timedelta(minutes=15),
            reason="the session is not complete at the source yet",
        ),
        RetryRule(
            exception="ljwx.exceptions.RecordUnfinished",
            action=RetryAction.RETRY,
            retry_delay=timedelta(minutes=15),
            reason="model servers were lost or the clock went back, and the deadline of the session is far",
        ),
        RetryRule(
            exception=[
                "ljwx.exceptions.SourceUnavailable",
                "ljwx.exceptions.MalformedAnswer",
                "ljwx.exceptions.OllamaUnreachable",
                "ljwx.exceptions.OllamaTimeout",
                "ljwx.exceptions.LauncherUnreachable",
                "ljwx.exceptions.Busy",
            ],
            action=RetryAction.RETRY,
            retry_delay=timedelta(seconds=30),
            reason="the server is in trouble, or has enough to do",
        ),
    ]
)

DEFAULT_ARGS: dict[str, Any] = {
    "owner": "ljwx",
    "retries": 3,
    "retry_policy": RETRY_POLICY,
    "on_failure_callback": FailureAlert(),
    "on_success_callback": note_recovery,
}
