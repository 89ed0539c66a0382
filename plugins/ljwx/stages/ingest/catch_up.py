"""What a scheduled run makes up for: sessions before its own that a stack which was down, or a limit, has left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from ljwx.core.bars import Capability
from ljwx.core.sessions import unbroken
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import sse_calendar
from ljwx.settings import current_settings
from ljwx.sources.base import MarketSource
from ljwx.stages.context import dag_run
from ljwx.warehouse.market.bars import FetchedDay


@dataclass(frozen=True)
class LeftOut:
    """A session that is not what it could be.

    :param lacking: what a complete session lacks; nothing of one that is not complete.
    """

    session: date
    lacking: frozenset[Capability]

    def can_gain(self, source: MarketSource) -> bool:
        """Say whether the source may have room by now for something that the session lacks."""
        return any(not source.lacks(capability) for capability in self.lacking)


def left_out(warehouse: WarehouseHook, own: date) -> list[LeftOut]:
    """Return what is to be made up for before the run's own session, sorted; nothing where the run is not scheduled.

    The sessions are among the last `ingest.catch_up`, and after the first that was ever complete.
    """
    reach = current_settings().ingest.catch_up
    if dag_run().run_type != "scheduled" or not reach:
        return []
    complete = warehouse.complete_sessions(None, own - timedelta(days=1))
    days = sse_calendar().between(complete[0], own - timedelta(days=1))[-reach:] if complete else ()
    if not days:
        return []
    whole = {day.session: _lacking(day) for day in warehouse.days(days[0], days[-1]) if day.complete}
    found = (LeftOut(day, whole.get(day, frozenset())) for day in days)
    return [each for each in found if each.lacking or each.session not in whole]


def _lacking(day: FetchedDay) -> frozenset[Capability]:
    """Return what a limit kept from a session; a day with bars needs no calendar to say that the exchange was open."""
    return frozenset(map(Capability, day.deferred)) - {Capability.CALENDAR}


def gaining(source: MarketSource, warehouse: WarehouseHook, sessions: Sequence[date]) -> Iterator[list[date]]:
    """Yield the complete sessions that gain something which they lack, in unbroken runs, the newest month first.

    Each is asked for what it lacks before anything else of it is fetched, the newest first. A limit that is used up
    then is one refused call, whatever the number of sessions.

    :param sessions: sorted; those that lack nothing by now gain nothing.
    """
    if not sessions:
        return
    days = warehouse.days(sessions[0], sessions[-1])
    lacking = {day.session: sorted(_lacking(day), key=lambda each: each.value) for day in days if day.complete}
    newest_first = [day for day in reversed(sessions) if lacking.get(day)]
    for _, month in groupby(newest_first, key=lambda session: (session.year, session.month)):
        gained = sorted(day for day in month if any(source.has_room(each, day) for each in lacking[day]))
        known = warehouse.sessions(gained[0], gained[-1]) if gained else ()
        for first, last in unbroken(gained, known):
            yield [day for day in gained if first <= day <= last]


def runs_of(sessions: Sequence[date], closed: Sequence[date]) -> Iterator[list[date]]:
    """Part sessions, sorted, where a session between two of them is not among them.

    :param closed: days of the shipped calendar that are no sessions after all.
    """
    if not sessions:
        return
    among = [day for day in sse_calendar().between(sessions[0], sessions[-1]) if day not in closed]
    for first, last in unbroken(sessions, among):
        yield [day for day in sessions if first <= day <= last]
