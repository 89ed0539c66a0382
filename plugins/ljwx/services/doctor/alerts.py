"""What the doctor looks at of the messages to people: whether all of them reached somebody."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from ljwx.hooks.connections import find_connection
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.doctor.finding import Finding
from ljwx.settings import current_settings

SINCE: Final = timedelta(days=7)
NAMED: Final = 3
"""How many messages are named."""
CARE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "answers": "clear tell_watchlist of that session",
        "digest": "clear seal_session of that session",
        "watch": "ljwx record watch shows it, and the next ljwx_forward sends it",
        "failed": "see the run in Airflow",
        "late": "see the run in Airflow",
    }
)


def alerts() -> Finding | None:
    """Name the messages of the last days that no address took, or whose sender was killed before it had sent them."""
    try:
        there = find_connection(current_settings().alerts.connection)
        unsent = [] if there is None else WarehouseHook().unsent(SINCE)
    except Exception:
        return None  # the findings before say what is wrong
    if there is None:
        return None
    if not unsent:
        return Finding("alerts", True, f"each message of the last {SINCE.days} days was taken")
    named = ", ".join(f"{each.kind} of {each.dag_id} {each.run_id}" for each in unsent[-NAMED:])
    more = f" and {len(unsent) - NAMED} more" if len(unsent) > NAMED else ""
    todo = dict.fromkeys(CARE[each.kind] for each in unsent[-NAMED:])
    advice = f"{'; '.join(todo)}; test the connection {there.conn_id}"
    return Finding("alerts", False, f"reached nobody in the last {SINCE.days} days: {named}{more}", advice)
