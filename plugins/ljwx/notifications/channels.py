"""The ways that alerts take: the addresses of the connection `ljwx_alerts`, through apprise."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow.sdk import BaseHook

from ljwx.exceptions import ConfigurationError
from ljwx.hooks.connections import find_connection
from ljwx.network import read_route, require_known
from ljwx.resources import ALERTS_CONN_ID

if TYPE_CHECKING:
    from airflow.sdk import Connection

log = logging.getLogger(__name__)

EXTRAS = frozenset({"verify"})
"""A proxy is none of them: apprise takes the environment's."""
TALKATIVE = ("apprise", "urllib3.connectionpool")
"""Loggers that write addresses, which hold tokens."""


class AlertsHook(BaseHook):
    """Sends a text to every address of a connection, one a line of its password, in apprise's form.

    An address is never logged, only what stands before its ``://``. Empty lines, and those that begin with ``#``, are
    left out. The extra `verify` is that of the other connections; proxies are those of the environment.
    """

    conn_name_attr = "alerts_conn_id"
    default_conn_name = ALERTS_CONN_ID
    conn_type = "apprise"
    hook_name = "Alerts (apprise)"

    def __init__(self, alerts_conn_id: str = ALERTS_CONN_ID) -> None:
        super().__init__()
        self.alerts_conn_id = alerts_conn_id

    def get_conn(self) -> list[str]:
        """Return the addresses; none without the connection."""
        connection = find_connection(self.alerts_conn_id)
        if connection is None:
            return []
        lines = (line.strip() for line in (connection.password or "").splitlines())
        return [line for line in lines if line and not line.startswith("#")]

    def send(self, title: str, body: str, urgent: bool = False) -> tuple[int, list[str]]:
        """Send to every address.

        :return: how many took it, and a line for each that did not.
        """
        found, problems = self.get_conn(), []
        verify = self._verify() if found else True
        for number, address in enumerate(found, start=1):
            problem = _send_one(address, title, body, urgent, verify)
            if problem is not None:
                problems.append(f"address {number} of {len(found)} ({_scheme(address)}) {problem}")
        return len(found) - len(problems), problems

    def _verify(self) -> bool | str:
        """Return which certificates are trusted; what is wrong with the extras is logged, and holds up no alert."""
        try:
            return _read_verify(find_connection(self.alerts_conn_id))
        except ConfigurationError as error:
            log.error("alert: %s", error)  # noqa: TRY400 - its line says all
            return True

    def test_connection(self) -> tuple[bool, str]:
        """Send a test to every address: the only way to know that a chat takes it."""
        try:
            _read_verify(find_connection(self.alerts_conn_id))
        except ConfigurationError as error:
            return False, str(error)
        taken, problems = self.send("ljwx · 测试 TEST", "告警连接可用 · The connection for alerts works.")
        return taken > 0 and not problems, "; ".join([f"addresses that took it: {taken}", *problems])


def _read_verify(connection: Connection | None) -> bool | str:
    if connection is None:
        return True
    name, extra = connection.conn_id, connection.extra_dejson
    require_known(name, extra, EXTRAS)
    return read_route(name, extra, "https://").verify


def _send_one(address: str, title: str, body: str, urgent: bool, verify: bool | str) -> str | None:
    """Return what went wrong, without the address; None when it was taken."""
    with _quiet():
        import apprise

        try:
            channel = apprise.Apprise.instantiate(address)
            if channel is None:
                return "is none that apprise understands"
            if channel.verify_certificate:  # an address may end in verify=no; what requests takes is a path too
                channel.verify_certificate = verify  # type: ignore[assignment]
            kind = apprise.NotifyType.FAILURE if urgent else apprise.NotifyType.WARNING
            return None if channel.notify(body=body, title=title, notify_type=kind) else "did not take it"
        except Exception as error:  # one broken way must not close the others
            return f"could not be used: {type(error).__name__}"


def _scheme(address: str) -> str:
    scheme, mark, _ = address.partition("://")
    return f"{scheme}://…" if mark and scheme.isalnum() else "without a scheme"


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what this thread's sending writes out of the logs; other threads, which may send too, have their own."""
    sending = threading.get_ident()

    def of_others(record: logging.LogRecord) -> bool:
        return record.thread != sending

    loggers = [logging.getLogger(name) for name in TALKATIVE]
    for logger in loggers:
        logger.addFilter(of_others)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(of_others)
