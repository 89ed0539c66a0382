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
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.settings import current_settings
from ljwx.sources.base import MarketSource


@dataclass(frozen=True, eq=False)
class ValidatedBars:
    """Some sessions after the rules.

    :param counts: how whole each session is.
    :param stopped: the usable suspensions and resumptions; None where the source has none.
    :param quarantine: every row that was rejected, of bars and of what belongs to them.
    :param absent: stored names of what the source lacked.
    """

    checked: Checked
    counts: tuple[DayCount, ...]
    stopped: pl.DataFrame | None
    quarantine: pl.DataFrame
    absent: tuple[str, ...]


def validate_bars(source: MarketSource, warehouse: WarehouseHook, sessions: Sequence[date]) -> ValidatedBars:
    """Fetch the sessions' rows and check them; the session before is fetched too, for rules that look one bar back."""
    trading = warehouse.trading_days(date.min, sessions[-1])
    earlier = trading[: bisect_left(trading, sessions[0])]
    fetched, halts = source.bars(sessions), source.suspensions(sessions)
    factors, limits = source.factors(sessions), source.limits(sessions)
    stopped, previous = _usable(halts), _previous(source, earlier)
    stocks = None if source.lacks(Capability.INSTRUMENTS) else warehouse.instruments()
    whole_days = None if stopped is None else suspensions(stopped)
    context = Context(
        through=sessions[-1],
        sessions=trading,
        instruments=stocks,
        suspended=whole_days,
        special=None if source.lacks(Capability.NAMES) else special_treatment(warehouse.names()),
        before=_last_bars(warehouse, previous, earlier),
        amounts=not source.lacks(Capability.AMOUNTS),
    )
    checked = check(assemble(fetched, _usable(factors), _usable(limits)), context)
    factored = not source.lacks(Capability.FACTORS)
    counts = _count(sessions, checked, stocks, whole_days, previous, factored=factored)
    rejected = [rows.rejected for rows in (halts, factors, limits) if rows is not None]
    return ValidatedBars(checked, counts, stopped, pl.concat([checked.quarantine, *rejected]), source.absent)


def _usable(rows: SourceRows | None) -> pl.DataFrame | None:
    return None if rows is None else rows.usable


def _previous(source: MarketSource, earlier: Sequence[date]) -> pl.DataFrame:
    """Fetch the bars of the session before the range; none before the first session of the calendar."""
    if not earlier:
        return pl.DataFrame(schema=BARS)
    last = [earlier[-1]]
    return assemble(source.bars(last), _usable(source.factors(last)), None)


def _last_bars(warehouse: WarehouseHook, previous: pl.DataFrame, earlier: Sequence[date]) -> pl.DataFrame:
    """Return each stock's last bar before the range: of the session before, or else the last one that is stored.

    How a range is cut must not decide what is flagged when a stock resumes. A stored bar is the last one only where no
    session after it is missing.
    """
    columns = ("ts_code", "close", "adj_factor")
    complete = set(warehouse.complete_sessions())
    whole = list(takewhile(complete.__contains__, reversed(earlier)))
    if not whole:
        return previous.select(columns).drop_nulls()
    stored = warehouse.last_bars(whole[-1], earlier[-1])
    resting = stored.join(previous, on="ts_code", how="anti")
    return pl.concat([previous.select(columns), resting]).drop_nulls()


def _count(
    sessions: Sequence[date],
    checked: Checked,
    stocks: pl.DataFrame | None,
    suspended: pl.DataFrame | None,
    previous: pl.DataFrame,
    *,
    factored: bool,
) -> tuple[DayCount, ...]:
    """Count against the listed stocks, or, where they are not known, against those of the session before."""
    tolerance = current_settings().ingest.tolerance
    if stocks is not None:
        return completeness(sessions, checked, stocks, suspended, tolerance, factored=factored)
    seen = previous["ts_code"].drop_nulls().to_list()
    tolerance = max(tolerance, UNIVERSE_TOLERANCE)
    return completeness_by_precedent(sessions, checked, seen, suspended, tolerance, factored=factored)
