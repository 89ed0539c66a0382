"""Codes that the source renamed or lists no more: ended in time, so that no session waits for them."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date

import polars as pl

from ljwx.core.bars import Capability, Known, Settled, SourceRows, is_complete, settle, untold_tolerance
from ljwx.core.bars.reference import instruments
from ljwx.core.bars.retiring import SILENT_SESSIONS
from ljwx.exceptions import BadToken, SourceError
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import sse_calendar
from ljwx.services.ingesting.doubts import Doubt, doubt
from ljwx.settings import current_settings
from ljwx.sources.base import MarketSource
from ljwx.warehouse.market.bars import IngestDay

log = logging.getLogger(__name__)

DOUBTED = "codes_doubted"
DOUBT = Doubt(Capability.INSTRUMENTS, DOUBTED, "instruments_new")
NAMED = 10
"""How many codes a message names."""


def save_stocks(
    warehouse: WarehouseHook, source: MarketSource, run_key: int, stocks: SourceRows, names: SourceRows | None
) -> dict[str, int]:
    """Write the source's list of stocks as instruments, and end what it renamed or lists no more.

    Sessions that were incomplete for want of such codes alone are complete from now on.

    :return: counts for the run's record.
    """
    listed = instruments(stocks.usable)
    called = [listed] if names is None else [listed, names.usable]
    known = Known(
        warehouse.instruments(),
        _called(warehouse.names()),
        lambda codes: ends_of(warehouse, codes),
        warehouse.silent(SILENT_SESSIONS),
    )
    unreadable = stocks.rejected.get_column("ts_code").drop_nulls().to_list()
    settled = settle(listed, _called(*called), _renames(warehouse, source, run_key), known, unreadable)
    merged = warehouse.save_instruments(run_key, settled.instruments, settled.relinked)
    _tell(settled, warehouse, source, known.instruments.height)
    done = {"instruments_new": merged.inserted, "instruments_revised": merged.revised}
    more = {
        "codes_renamed": len(settled.renamed),
        "codes_gone": len(settled.gone),
        DOUBTED: len(settled.doubted),
        "sessions_completed": _count_again(warehouse, run_key),
    }
    return done | {name: count for name, count in more.items() if count}


def _renames(warehouse: WarehouseHook, source: MarketSource, run_key: int) -> pl.DataFrame | None:
    """Return the source's mapping; what is stored of it serves as long as it cannot be had."""
    try:
        rows = source.renames()
    except BadToken:
        raise
    except SourceError as error:
        log.warning("no mapping of renamed codes for now: %s", error)
        return None
    if rows is None:
        return None
    warehouse.save_unassigned_rejects(run_key, rows.rejected)
    return rows.usable


def _called(*frames: pl.DataFrame) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for frame in frames:
        for code, name in frame.select("ts_code", "name").drop_nulls().iter_rows():
            found[code].add(name)
    return found


def ends_of(warehouse: WarehouseHook, codes: Collection[str]) -> Mapping[str, date]:
    """Return, of codes that have bars, the session after the last one."""
    calendar = sse_calendar()
    return {code: calendar.after(last) for code, last in warehouse.last_traded(sorted(codes)).items()}


def _tell(settled: Settled, warehouse: WarehouseHook, source: MarketSource, known: int) -> None:
    for codes, what in ((settled.renamed, "renamed"), (settled.gone, "not listed any more, and ended")):
        if codes:
            log.info("%d code(s) %s: %s", len(codes), what, _some(codes))
    if settled.doubted:
        doubt(warehouse, source, DOUBT)
        log.warning(
            "the source's list lacks %d of %d known codes, and says of none what it is called now: too many to be "
            "believed, they stay listed and expected (%s)", len(settled.doubted), known, _some(settled.doubted),
        )  # fmt: skip


def _some(codes: Collection[str]) -> str:
    named = ", ".join(sorted(codes)[:NAMED])
    return named + (", …" if len(codes) > NAMED else "")


def _count_again(warehouse: WarehouseHook, run_key: int) -> int:
    """Count the bars of incomplete sessions again without the codes that had ended; return how many are whole now."""
    ended = warehouse.instruments().filter(pl.col("end_reason").is_not_null())
    days = warehouse.incomplete_days(ended.get_column("ts_code").to_list())
    if not days:
        return 0
    ends = dict(ended.select("ts_code", "delist_date").iter_rows())
    traded = _traded(warehouse, days, ended.get_column("ts_code").to_list())
    tolerance = current_settings().ingest.tolerance
    counted = [_without(day, ends, traded[day.session], tolerance) for day in days]
    changed = [new for old, new in zip(days, counted, strict=True) if new != old]
    warehouse.save_counts(run_key, changed)
    return sum(day.complete for day in changed)


def _traded(warehouse: WarehouseHook, days: Collection[IngestDay], codes: Collection[str]) -> Mapping[date, set[str]]:
    """Return the renamed codes of each session whose stock has a bar then, under whichever of its codes."""
    renamed, found = warehouse.codes(), defaultdict(set)
    sessions = [day.session for day in days]
    bars = warehouse.traded(min(sessions), max(sessions), renamed.all_of(codes))
    for session, code in bars.iter_rows():
        found[session].update(renamed.all_of([code]))
    return found


def _without(day: IngestDay, ends: Mapping[str, date | None], traded: Collection[str], tolerance: float) -> IngestDay:
    """Take the codes off a session's missing ones that had ended by then, or whose stock traded under another."""
    over = {code for code in day.missing if code in ends and _had_ended(ends[code], day.session, code in traded)}
    expected, missing = day.expected - len(over), [code for code in day.missing if code not in over]
    if Capability.SUSPENSIONS.value in day.absent:
        tolerance = untold_tolerance(expected + day.suspended, tolerance)
    complete = is_complete(expected, day.received, day.unfactored, tolerance)
    return replace(day, complete=complete, expected=expected, missing=missing) if over else day


def _had_ended(end: date | None, session: date, traded: bool) -> bool:
    return traded or (end is not None and end <= session)
