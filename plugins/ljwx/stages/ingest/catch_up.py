"""What a scheduled run makes up for: sessions before its own that a stack which was down, or a limit, has left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from airflow.sdk import get_current_context

from ljwx.core.bars import Capability
from ljwx.core.sessions import unbroken
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import sse_calendar
from ljwx.settings import current_settings
from ljwx.sources.base import MarketSource
from ljwx.warehouse.bars import FetchedDay


@dataclass(frozen=True)
class LeftOut:
    """A session that is not what it could be.

    :param lacking: what a complete session lacks; nothing of one that is not complete.
    """

    session: date
    lacking: frozenset[Capability]

    def can_gain(self, source: MarketSource) -> bool:
        """Say whether the source has room by now for all that the session lacks."""
        return not any(source.lacks(capability) for capability in self.lacking)


def left_out(warehouse: WarehouseHook, own: date) -> list[LeftOut]:
    """Return what is to be made up for before the run's own session, sorted; nothing where the run is not scheduled.

    The sessions are among the last `ingest.catch_up`, and after the first that was ever complete.
    """
    reach = current_settings().ingest.catch_up
    if get_current_context()["dag_run"].run_type != "scheduled" or not reach:
        return []
    complete = warehouse.complete_sessions(None, own - timedelta(days=1))
    days = sse_calendar().between(complete[0], own - timedelta(days=1))[-reach:] if complete else ()
    if not days:
        return []
    whole = {day.session: _lacking(day) for day in warehouse.days(days[0], days[-1]) if day.complete}
    found = (LeftOut(day, whole.get(day, frozenset())) for day in days)
    return [each for each in found if each.lacking or each.session not in whole]


def _lacking(day: FetchedDay) -> frozenset[Capability]:
    """Return what a limit kept from a session; that the exchange was open need not be told of a day with bars."""
    return frozenset(map(Capability, day.deferred)) - {Capability.CALENDAR}


def runs_of(sessions: Sequence[date], closed: Sequence[date]) -> Iterator[list[date]]:
    """Part sessions, sorted, where a session between two of them is not among them.

    :param closed: days of the shipped calendar that are no sessions after all.
    """
    if not sessions:
        return
    among = [day for day in sse_calendar().between(sessions[0], sessions[-1]) if day not in closed]
    for first, last in unbroken(sessions, among):
        yield [day for day in sessions if first <= day <= last]
