"""What of the market is there, session by session: what came whole, what did not, and what fills the gaps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal

from ljwx.core.bars.canonical import OF_A_SESSION, Capability
from ljwx.core.features import FEATURE_VERSION, GROUPS, FeatureGroup
from ljwx.core.features.announced import AnnouncedTable
from ljwx.core.forward.timing import OPENS, SHANGHAI
from ljwx.core.sessions import unbroken
from ljwx.hooks.market import market_terms
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import sse_calendar
from ljwx.services.pages.keeper import Keeper
from ljwx.settings import current_settings
from ljwx.warehouse.market.coverage import CoveredDay, RefusedRows

DayState = Literal["complete", "late", "incomplete", "missing"]
GapKind = Literal["missing", "incomplete", "deferred", "facts", "features", "behind", "record"]

NEWEST: Final = 60
"""Complete sessions, the newest, of which tables of facts are counted."""
MOST_GAPS: Final = 200
INGEST: Final = """airflow dags trigger ljwx_daily_ingest --conf '{{"start_date": "{first}", "end_date": "{last}"}}'"""


@dataclass(frozen=True)
class Day:
    """A trading day; stocks and rows are counted, and None where it was never fetched.

    :param state: late: it was complete only after the next session had opened, so that no answer of the forward record
        could rest on it. A day from before the warehouse was there was filled in, and is not late.
    :param lacking: interfaces that its source lacked; ``deferred``: those of them that a limit kept from it.
    """

    session: date
    state: DayState
    expected: int | None = None
    received: int | None = None
    missing: int | None = None
    quarantined: int | None = None
    lacking: tuple[str, ...] = ()
    deferred: tuple[str, ...] = ()


@dataclass(frozen=True)
class CoveredInterface:
    """In how many of the fetched sessions an interface was there.

    :param newest_without: the newest session that was fetched without it.
    """

    name: str
    sessions: int
    of: int
    deferred: int
    newest_without: date | None


@dataclass(frozen=True)
class CoveredGroup:
    """Of how many complete sessions a feature group is there.

    :param in_use: datasets ask for it.
    :param of: complete sessions; the newest of them where the group has a table of its own.
    """

    name: str
    in_use: bool
    sessions: int
    of: int
    newest: date | None


@dataclass(frozen=True)
class Gap:
    """Sessions in a row that lack the same.

    :param lacks: interfaces or tables, where it is them.
    :param command: what fills it; None where nothing can.
    """

    kind: GapKind
    first: date
    last: date
    sessions: int
    lacks: tuple[str, ...] = ()
    command: str | None = None


@dataclass(frozen=True)
class Coverage:
    """Everything that the page shows of the data.

    :param source: the source behind the connection, in its own words; None where there is no connection.
    """

    source: str | None
    days: tuple[Day, ...]
    refused: tuple[RefusedRows, ...]
    interfaces: tuple[CoveredInterface, ...]
    groups: tuple[CoveredGroup, ...]
    gaps: tuple[Gap, ...]

    @property
    def years(self) -> tuple[int, ...]:
        """The years that have days, the newest first."""
        return tuple(sorted({day.session.year for day in self.days}, reverse=True))


def coverage_keeper(warehouse: WarehouseHook) -> Keeper[Coverage]:
    """Return what keeps the page until something was written, or the day is over in Shanghai."""

    def today() -> date:
        return datetime.now(SHANGHAI).date()

    return Keeper(lambda: (warehouse.written_state(), today()), lambda: coverage(warehouse, today()))


def coverage(warehouse: WarehouseHook, today: date) -> Coverage:
    """Work out the page; sessions before `today` are due."""
    fetched = warehouse.covered_days()
    trading = warehouse.trading_days(fetched[0].session, fetched[-1].session) if fetched else []
    days = _days(fetched, trading)
    complete = [each.session for each in fetched if each.complete]
    groups, short = _groups(warehouse, complete)
    gaps = [*_of_days(days, trading), *short, *_of_record(warehouse, trading), *_behind(trading, today)]
    known = market_terms()
    return Coverage(
        source=None if known is None else str(known),
        days=days,
        refused=tuple(warehouse.refused_rows()),
        interfaces=_interfaces(fetched),
        groups=groups,
        gaps=tuple(sorted(gaps, key=lambda gap: gap.last, reverse=True)[:MOST_GAPS]),
    )


def _days(fetched: Sequence[CoveredDay], trading: Sequence[date]) -> tuple[Day, ...]:
    known = {each.session: each for each in fetched}
    firsts = [each.complete_from for each in fetched if each.complete_from is not None]
    began = min(firsts).astimezone(SHANGHAI).date() if firsts else date.max
    return tuple(_day(session, known.get(session), began) for session in sorted({*known, *trading}))


def _day(session: date, known: CoveredDay | None, began: date) -> Day:
    if known is None:
        return Day(session, "missing")
    opens = datetime.combine(sse_calendar().after(session), OPENS, SHANGHAI)
    is_late = session >= began and known.complete_from is not None and known.complete_from >= opens
    state: DayState = "incomplete" if not known.complete else "late" if is_late else "complete"
    counts = (known.expected, known.received, known.missing, known.quarantined)
    return Day(session, state, *counts, tuple(known.absent), tuple(known.deferred))


def _interfaces(fetched: Sequence[CoveredDay]) -> tuple[CoveredInterface, ...]:
    found = []
    for name in (each.value for each in Capability if each in OF_A_SESSION):
        without = [each for each in fetched if name in each.absent]
        deferred = sum(name in each.deferred for each in without)
        newest = without[-1].session if without else None
        found.append(CoveredInterface(name, len(fetched) - len(without), len(fetched), deferred, newest))
    return tuple(found)


def _groups(warehouse: WarehouseHook, complete: Sequence[date]) -> tuple[tuple[CoveredGroup, ...], list[Gap]]:
    """Return how far each feature group reaches, and the gaps of those that datasets ask for."""
    used = current_settings().samples.feature_groups
    computed = warehouse.computed_sessions(FEATURE_VERSION)
    groups, gaps = [], _uncomputed(warehouse, complete)
    for group in GROUPS:
        have, of = (computed, complete) if group.table is None else _with_table(warehouse, group, complete)
        groups.append(CoveredGroup(group.name, group.name in used, len(have), len(of), have[-1] if have else None))
        if group.table is not None and not isinstance(group.table, AnnouncedTable) and group.name in used:
            lacks = [day for day in of if day not in set(have)]
            gaps += _gaps("facts", lacks, of, (group.table.name,), INGEST.format)
    return tuple(groups), gaps


def _with_table(
    warehouse: WarehouseHook, group: FeatureGroup, complete: Sequence[date]
) -> tuple[Sequence[date], Sequence[date]]:
    """Of a table of announcements, which a session may be without, only the newest session is looked at."""
    of = complete[-NEWEST:]
    if not of or group.table is None:
        return (), of
    if isinstance(group.table, AnnouncedTable):
        found = warehouse.published(group.table)
        return (of[-1:] if found is not None and found.rows else ()), of[-1:]
    short = set(warehouse.sessions_short_of(group.table, of[0], of[-1]))
    return [day for day in of if day not in short], of


def _uncomputed(warehouse: WarehouseHook, complete: Sequence[date]) -> list[Gap]:
    """The sessions whose bars are newer than their features: from the first of them on."""
    stale = warehouse.stale_from(FEATURE_VERSION) if complete else None
    waiting = [] if stale is None else [day for day in complete if day >= stale]
    fills = INGEST.format(first=stale, last=stale)  # it computes all that wait
    return [Gap("features", waiting[0], waiting[-1], len(waiting), (), fills)] if waiting else []


def _of_days(days: Sequence[Day], trading: Sequence[date]) -> Iterator[Gap]:
    kinds: tuple[GapKind, ...] = ("missing", "incomplete")
    for kind in kinds:
        yield from _gaps(kind, [day.session for day in days if day.state == kind], trading, (), INGEST.format)
    whole = [day for day in days if day.state in ("complete", "late")]
    for name in sorted({name for day in whole for name in day.deferred}):
        lacks = [day.session for day in whole if name in day.deferred]
        yield from _gaps("deferred", lacks, trading, (name,), INGEST.format)


def _of_record(warehouse: WarehouseHook, trading: Sequence[date]) -> Iterator[Gap]:
    """Sessions of the forward record without a sealed batch: nobody can ask about them any more."""
    sealed = {each.session for each in warehouse.forward_batches() if each.sealed_at is not None}
    if sealed:
        gone = [day for day in trading if min(sealed) < day < max(sealed) and day not in sealed]
        yield from _gaps("record", gone, trading)


def _behind(trading: Sequence[date], today: date) -> Iterator[Gap]:
    """Trading days that are over, after the newest that was fetched."""
    since = sse_calendar().between(trading[-1], today) if trading and trading[-1] < today else []
    after = [day for day in since if trading[-1] < day < today]
    yield from _gaps("behind", after, after, (), INGEST.format)


def _gaps(
    kind: GapKind,
    days: Sequence[date],
    among: Sequence[date],
    lacks: tuple[str, ...] = (),
    command: Callable[..., str] | None = None,
) -> Iterator[Gap]:
    counted = {day: at for at, day in enumerate(among)}
    for first, last in unbroken([day for day in days if day in counted], among):
        filled = None if command is None else command(first=first, last=last)
        yield Gap(kind, first, last, counted[last] - counted[first] + 1, lacks, filled)
