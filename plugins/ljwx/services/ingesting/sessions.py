"""Sessions of a source, fetched, validated and written, one transaction per session."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import polars as pl

from ljwx.core.bars import Capability, DayCount, instruments_seen
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.ingesting.second_source import SecondSource
from ljwx.services.ingesting.unlisted import link_old_codes
from ljwx.services.ingesting.validation import ValidatedBars, validate_bars
from ljwx.sources.base import MarketSource
from ljwx.warehouse.market.bars import IngestDay, SavedDay

log = logging.getLogger(__name__)

NAMED = 10
"""How many sessions, and stocks of each, a message names."""


def ingest_sessions(
    source: MarketSource,
    warehouse: WarehouseHook,
    run_key: int,
    sessions: Sequence[date],
    second: SecondSource | None = None,
    writers: Sequence[WarehouseHook] = (),
) -> tuple[list[DayCount], list[SavedDay]]:
    """Fetch, validate and write sessions between which none is left out.

    :param second: watches the source; None: nothing does.
    :param writers: write at the same time, each some of the sessions; by default `warehouse` alone.
    """
    validated = validate_bars(source, warehouse, sessions, second)
    counts = _not_better_known(warehouse, source, validated)
    warehouse.save_unassigned_rejects(run_key, _unassigned_rejects(validated, counts))
    if source.lacks(Capability.INSTRUMENTS):
        warehouse.save_seen(run_key, instruments_seen(validated.checked.bars))
    return counts, _save_all(writers or (warehouse,), source, run_key, validated, counts)


def ingest_linked(
    source: MarketSource,
    warehouse: WarehouseHook,
    run_key: int,
    sessions: Sequence[date],
    second: SecondSource | None = None,
    writers: Sequence[WarehouseHook] = (),
) -> tuple[list[DayCount], list[SavedDay]]:
    """Do as :func:`ingest_sessions`, and once more where old codes are found to go on as listed ones that lack bars."""
    counts, saved = ingest_sessions(source, warehouse, run_key, sessions, second, writers)
    if any(count.missing for count in counts) and link_old_codes(warehouse, run_key):
        if second is not None:
            second.counts.clear()
        counts, again = ingest_sessions(source, warehouse, run_key, sessions, second, writers)
        saved += again
    return counts, saved


def totals(saved: Sequence[SavedDay]) -> dict[str, int]:
    """Return counts of sessions, bars inserted, revised and withdrawn, and rows quarantined, for a run's record."""
    return {
        "sessions": len({day.session for day in saved}),
        "inserted": sum(day.inserted for day in saved),
        "revised": sum(day.revised for day in saved),
        "quarantined": sum(day.quarantined for day in saved),
        "withdrawn": sum(day.withdrawn for day in saved),
    }


def lacking(short: Collection[DayCount]) -> str:
    """Say in one line what incomplete sessions lack."""
    return "; ".join(
        f"{count.session}: {count.received} of {count.expected} bars, {count.quarantined} in quarantine"
        + (f", {count.unfactored} without a factor" if count.unfactored else "")
        + (f", missing {', '.join(count.missing[:NAMED])}" if count.missing else "")
        for count in list(short)[:NAMED]
    )


def _not_better_known(warehouse: WarehouseHook, source: MarketSource, validated: ValidatedBars) -> list[DayCount]:
    """Leave out complete sessions that have what now is lacking: another tier takes nothing away, whatever it adds.

    The calendar takes nothing from a day with bars.
    """
    sessions = [count.session for count in validated.counts]
    calendar = {Capability.CALENDAR.value}
    lacking = {day: set(source.absent_on(day)) - calendar for day in sessions}
    fetched = warehouse.days(sessions[0], sessions[-1])
    better = {day.session for day in fetched if day.complete and lacking.get(day.session, set()) - set(day.absent)}
    if better:
        log.warning("%d session(s) stay as they are: they have what is lacking now", len(better))
    return [count for count in validated.counts if count.session not in better]


def _save_all(
    writers: Sequence[WarehouseHook],
    source: MarketSource,
    run_key: int,
    validated: ValidatedBars,
    counts: Sequence[DayCount],
) -> list[SavedDay]:
    def write(at: int) -> list[SavedDay]:
        mine = counts[at :: len(writers)]
        return [_save(writers[at], source, run_key, validated, count) for count in mine]

    if len(writers) == 1:
        return write(0)
    with ThreadPoolExecutor(len(writers)) as pool:
        return [day for days in pool.map(write, range(len(writers))) for day in days]


def _save(
    warehouse: WarehouseHook, source: MarketSource, run_key: int, validated: ValidatedBars, count: DayCount
) -> SavedDay:
    of_the_day = pl.col("session") == count.session
    day = IngestDay(
        count.session, count.complete, count.expected, count.received, count.quarantined, count.suspended,
        count.unfactored, count.missing, source.absent_on(count.session), source.deferred_on(count.session),
    )  # fmt: skip
    stopped = validated.stopped
    halts = None if stopped is None else stopped.filter(of_the_day).select("ts_code", "kind", "timing")
    bars, rejected = validated.checked.bars.filter(of_the_day), validated.quarantine.filter(of_the_day)
    return warehouse.save_day(run_key, day, bars, rejected, halts)


def _unassigned_rejects(validated: ValidatedBars, counts: Iterable[DayCount]) -> pl.DataFrame:
    """Return the rejected rows of no written session: without a day, of a wrong one, or of one that stays as it is."""
    written = [count.session for count in counts]
    return validated.quarantine.filter(~pl.col("session").is_in(written).fill_null(False))
