"""When alerts are sent: for a task that failed for good, and a run that passed its deadline; once an incident."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk.bases.notifier import BaseNotifier

if TYPE_CHECKING:
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.notifications.messages import Alert

log = logging.getLogger(__name__)

SINCE: Final = timedelta(days=7)
"""How old a message that reached nobody may be to be sent after all."""
UNKNOWN: Final = datetime.max.replace(tzinfo=timezone.utc)
"""Since when an alert is ours to send, where the warehouse did not answer."""


class FailureAlert(BaseNotifier):
    """Sends an alert for a task that failed and will not be retried; a failure callback, in the task's own process."""

    def notify(self, context: Any) -> None:
        """Send it, unless the run belongs to a backfill or its failure is known."""
        from ljwx.notifications.messages import failure

        send_once(failure(context))

    async def async_notify(self, context: Any) -> None:
        """Do the same without holding the event loop."""
        await asyncio.to_thread(self.notify, context)


class LateAlert(BaseNotifier):
    """Sends an alert for a run that passed its deadline; a deadline's callback, in the triggerer."""

    def notify(self, context: Any) -> None:
        """Send it, unless the run belongs to a backfill, or has ended by now: a failed run meets its deadline too.

        Before it goes what the sender of another alert left, such as that of this run's failure.
        """
        from airflow.sdk.configuration import conf

        from ljwx.notifications.messages import lateness

        send_left()
        send_once(lateness(context, conf.get("api", "base_url", fallback="http://localhost:8080")))

    async def async_notify(self, context: Any) -> None:
        """Do the same without holding the event loop."""
        await asyncio.to_thread(self.notify, context)


def send_once(alert: Alert) -> None:
    """Send an alert to every address, unless it is silent or was sent before.

    It is noted before it is sent, and noted as sent when an address has taken it: whoever is killed in between has it
    sent again by the next attempt, and the doctor names it until then. When the warehouse cannot say what was sent
    before, the alert goes out: twice is better than never.
    """
    if alert.silent:
        log.info("%s of %s %s: no alert for a backfill, or for a run that has ended", *_which(alert))
        return
    of_run = (alert.dag_id, alert.run_id, alert.kind)
    begun = _asked(lambda: _warehouse().note_incident(*of_run, alert.what), otherwise=UNKNOWN)
    if begun is None:
        log.info("%s of %s %s: its alert was sent before", *_which(alert))
        return
    taken = _send(alert) > 0
    if begun is not UNKNOWN:
        _note_sent(*of_run, begun, taken)


def send_left() -> None:
    """Send one message about the failures and lateness of late whose own reached nobody, if there are any."""
    found = _asked(lambda: _warehouse().claim_unsent(SINCE), otherwise=[])
    if not found:
        return
    from ljwx.notifications.messages import Left, left

    unsent = [Left(each.kind, each.dag_id, each.run_id, each.failing, each.last_seen) for each in found]
    try:
        taken = send_message(*left(unsent), urgent=True) > 0
    except Exception as error:  # whoever sends for others has work of its own
        log.error("alerts that reached nobody are not sent: %s", type(error).__name__)  # noqa: TRY400 - as of an address
        taken = False
    for each in found:
        _note_sent(each.dag_id, each.run_id, each.kind, each.sending_since, taken)


def _note_sent(dag_id: str, run_id: str, kind: str, begun: datetime, taken: bool) -> None:
    _asked(lambda: _warehouse().note_sent(dag_id, run_id, kind, begun, taken=taken), otherwise=None)


def end_incident(alert: Alert) -> None:
    """Record that what an alert is about is over, so that an alert is sent again when it comes again."""
    _asked(lambda: _warehouse().end_incident(alert.dag_id, alert.run_id, alert.kind), otherwise=None)


def _send(alert: Alert) -> int:
    return send_message(alert.title, alert.body, urgent=alert.kind == "failed")


def send_message(title: str, body: str, *, urgent: bool = False) -> int:
    """Send a text to every address of the alert channels; return how many took it. It was not sent before."""
    from ljwx.notifications.channels import AlertsHook

    hook = AlertsHook(_connection())
    taken, problems = hook.send(title, body, urgent=urgent)
    for problem in problems:
        log.error("alert: %s", problem)
    if taken or problems:
        log.info("alert %r: %d of %d addresses took it", title, taken, taken + len(problems))
    else:
        log.info("no alert is sent: the connection %s is not there, or holds no address", hook.alerts_conn_id)
    return taken


def _connection() -> str:
    """Return the connection that the configuration file names; the usual one where the file cannot be read."""
    from ljwx.resources import ALERTS_CONN_ID, file_section

    try:
        return str(file_section("alerts").get("connection", ALERTS_CONN_ID))
    except ValueError as error:
        log.warning("alert: %s", error)
        return ALERTS_CONN_ID


def note_recovery(context: Any) -> None:
    """Record that a task instance has succeeded after an attempt that did not; a callback on success.

    First attempts have nothing to recover from, and cost nothing here.
    """
    ti = context["ti"]
    if (ti.try_number or 1) <= 1:
        return
    from ljwx.notifications.messages import instance_name

    _asked(lambda: _warehouse().note_recovery(ti.dag_id, ti.run_id, instance_name(ti)), otherwise=None)


def _warehouse() -> WarehouseHook:
    from ljwx.hooks.warehouse import WarehouseHook

    return WarehouseHook()


def _asked(question: Callable[[], Any], otherwise: Any) -> Any:
    try:
        return question()
    except Exception as error:  # whatever is wrong with the database, people must hear of the failure
        log.warning("the warehouse did not answer about incidents: %s", type(error).__name__)
        return otherwise


def _which(alert: Alert) -> tuple[str, str, str]:
    return alert.kind, alert.dag_id, alert.run_id
