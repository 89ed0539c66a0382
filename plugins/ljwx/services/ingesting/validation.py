"""Fetching some sessions' rows and checking them against every rule for which the source gives the knowledge."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import takewhile

import polars as pl

from ljwx.core.bars import (
    BARS,
    UNIVERSE_TOLERANCE,
    Capability,
    Checked,
    Codes,
    Context,
    DayCount,
    SourceRows,
    assemble,
    check,
    completeness,
    completeness_by_precedent,
    special_treatment,
    suspensions,
)
from ljwx.core.bars.canonical import FACTORS, LIMITS
from ljwx.core.bars.rules import REPEATED
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.ingesting.second_source import SecondSource
from ljwx.settings import current_settings
from ljwx.sources.base import MarketSource

FACTORS_NAME = Capability.FACTORS.value
SIDES = {Capability.FACTORS: FACTORS, Capability.LIMITS: LIMITS}
"""What is stored with the bars, by the columns in which a source gives it."""


@dataclass(frozen=True, eq=False)
class ValidatedBars:
    """Some sessions after the rules.

    :param counts: how whole each session is.
    :param stopped: the usable suspensions and resumptions; None where the source has none.
    :param quarantine: every row that was rejected, of bars and of what belongs to them.
    """

    checked: Checked
    counts: tuple[DayCount, ...]
    stopped: pl.DataFrame | None
    quarantine: pl.DataFrame


def validate_bars(
    source: MarketSource, warehouse: WarehouseHook, sessions: Sequence[date], second: SecondSource | None = None
) -> ValidatedBars:
    """Fetch the sessions' rows and check them; the session before is fetched too, for rules that look one bar back.

    :param second: watches the source; None: nothing does.
    """
    trading = warehouse.trading_days(date.min, sessions[-1])
    earlier = trading[: bisect_left(trading, sessions[0])]
    fetched, halts = source.bars(sessions), source.suspensions(sessions)
    factors, limits, special = source.factors(sessions), source.limits(sessions), source.special(sessions)
    stopped = _with_stored(source, warehouse, sessions, Capability.SUSPENSIONS, _usable(halts))
    previous = _previous(source, warehouse, earlier)
    stocks, codes = None if source.lacks(Capability.INSTRUMENTS) else warehouse.instruments(), warehouse.codes()
    context = Context(
        through=sessions[-1],
        sessions=trading,
        instruments=None if stocks is None else _as_the_source_says(stocks),
        suspended=None if stopped is None else suspensions(stopped),
        special=special if source.lacks(Capability.NAMES) else special_treatment(warehouse.names(), codes),
        before=_last_bars(warehouse, previous, earlier, codes),
        amounts=not source.lacks(Capability.AMOUNTS),
        codes=codes,
    )
    sides = [
        _with_stored(source, warehouse, sessions, capability, _usable(came))
        for capability, came in ((Capability.FACTORS, factors), (Capability.LIMITS, limits))
    ]
    checked = check(assemble(fetched, *sides), context)
    checked = checked if second is None else second.watch(sessions, checked)
    counts = _count(source, sessions, checked, stocks, stopped, previous, codes)
    rejected = [rows.rejected for rows in (halts, factors, limits) if rows is not None]
    return ValidatedBars(checked, counts, stopped, pl.concat([checked.quarantine, *rejected]))


def _as_the_source_says(stocks: pl.DataFrame) -> pl.DataFrame:
    """Leave out the ends that we gave codes which are not listed any more: a bar that comes all the same is one."""
    return stocks.with_columns(delist_date=pl.when(pl.col("end_reason").is_null()).then("delist_date"))


def _usable(rows: SourceRows | None) -> pl.DataFrame | None:
    return None if rows is None else rows.usable


def _with_stored(
    source: MarketSource,
    warehouse: WarehouseHook,
    sessions: Sequence[date],
    capability: Capability,
    came: pl.DataFrame | None,
) -> pl.DataFrame | None:
    """Add what an earlier attempt has stored of sessions that there is no room to ask for again now."""
    late = [day for day in sessions if source.is_deferred(capability) and not source.gave(capability, day)]
    if not late:
        return came
    if capability is Capability.SUSPENSIONS:
        stored = warehouse.suspensions(late)
    else:
        stored = warehouse.joined_values(late).select(SIDES[capability].names()).drop_nulls()
    if stored.is_empty():
        return came
    return stored if came is None else pl.concat([came, stored.select(came.columns)])


def _previous(source: MarketSource, warehouse: WarehouseHook, earlier: Sequence[date]) -> pl.DataFrame:
    """Fetch the bars of the session before the range; none before the first session of the calendar.

    Its factors are those that are stored, where they are: a small token may not have a second call for them.
    """
    if not earlier:
        return pl.DataFrame(schema=BARS)
    last = [earlier[-1]]
    stored = [day for day in warehouse.days(*last, *last) if day.complete and FACTORS_NAME not in day.absent]
    factors = warehouse.joined_values(last) if stored else _usable(source.factors(last))
    return assemble(source.bars(last), factors, None)


def _last_bars(warehouse: WarehouseHook, previous: pl.DataFrame, earlier: Sequence[date], codes: Codes) -> pl.DataFrame:
    """Return each stock's last bar before the range: of the session before, or else the last one that is stored.

    How a range is cut must not decide what is flagged when a stock resumes. A stored bar is the last one only where no
    session after it is missing. A renamed stock has one, whichever of its codes it traded under.
    """
    columns = ("ts_code", "session", "adj_factor", *REPEATED)
    complete = set(warehouse.complete_sessions())
    whole = list(takewhile(complete.__contains__, reversed(earlier)))
    traded = previous.filter(pl.col("vol") > 0).select(columns).drop_nulls(["ts_code", "close"])
    bars = codes.as_stocks(traded)
    if whole:
        stored = codes.as_stocks(warehouse.last_bars(whole[-1], earlier[-1]), by=None).sort("ts_code", "session")
        resting = stored.unique("ts_code", keep="last").join(bars, on="ts_code", how="anti")
        bars = pl.concat([bars.select(columns), resting.select(columns)])
    return bars.select(columns)


def _count(
    source: MarketSource,
    sessions: Sequence[date],
    checked: Checked,
    stocks: pl.DataFrame | None,
    stopped: pl.DataFrame | None,
    previous: pl.DataFrame,
    codes: Codes,
) -> tuple[DayCount, ...]:
    """Count against the listed stocks, or, where they are not known, against those of the session before.

    Where suspensions are not known, or the list is not, more stocks may be missing.
    """
    suspended = None if stopped is None else suspensions(stopped)
    tolerance = current_settings().ingest.tolerance
    factored = {day for day in sessions if source.gave(Capability.FACTORS, day)}
    if stocks is None:
        seen = dict(previous.select("ts_code", "close").drop_nulls("ts_code").iter_rows())
        tolerance = max(tolerance, UNIVERSE_TOLERANCE)
        return completeness_by_precedent(sessions, checked, seen, suspended, tolerance, factored=factored)
    covered = {day for day in sessions if source.gave(Capability.SUSPENSIONS, day)}
    covered |= set() if stopped is None else {*stopped["session"]}
    return completeness(
        sessions, checked, stocks, suspended, tolerance, factored=factored, halts_known=covered, codes=codes
    )
