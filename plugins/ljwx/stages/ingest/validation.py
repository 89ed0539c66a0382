"""Fetching some sessions' rows and judging them: every rule for which the tier gives the knowledge."""

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
    Checked,
    Context,
    DayCount,
    assemble,
    check,
    completeness,
    completeness_by_precedent,
    special_treatment,
    split_valid,
    suspensions,
)
from ljwx.core.bars.validation import QUARANTINE
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.settings import current_settings
from ljwx.stages.ingest.sources import Source

SIDES_OF_DAYS = ("suspend_d", "adj_factor", "stk_limit")


@dataclass(frozen=True, eq=False)
class ValidatedBars:
    """Some sessions after the rules.

    :param counts: how whole each session is.
    :param stopped: the usable rows of suspend_d; None where the tier does not carry it.
    :param refused: rows of the other interfaces that cannot be used, as in ``checked.quarantine``.
    :param absent: interfaces that the tier did not carry.
    """

    checked: Checked
    counts: tuple[DayCount, ...]
    stopped: pl.DataFrame | None
    refused: pl.DataFrame
    absent: list[str]

    @property
    def quarantine(self) -> pl.DataFrame:
        """Every row that was refused, of whatever interface."""

        return pl.concat([self.checked.quarantine, self.refused])


def validate_bars(source: Source, warehouse: WarehouseHook, sessions: Sequence[date]) -> ValidatedBars:
    """Fetch the sessions' rows and judge them; the session before is fetched too, for rules that look one bar back."""

    trading = warehouse.trading_days(date.min, sessions[-1])
    earlier = trading[: bisect_left(trading, sessions[0])]
    days = [f"{session:%Y%m%d}" for session in sessions]
    daily, sides = source.daily(days), {name: _side(source, name, days) for name in SIDES_OF_DAYS}
    stopped, factors, limits = (kept for kept, _ in sides.values())
    rows = assemble(daily, factors, limits)
    previous = _previous(source, earlier)
    stocks = None if source.lacks("stock_basic") else warehouse.instruments()
    whole_days = None if stopped is None else suspensions(stopped)
    context = Context(
        through=sessions[-1],
        sessions=trading,
        instruments=stocks,
        suspended=whole_days,
        special=None if source.lacks("namechange") else special_treatment(warehouse.names()),
        before=_last_bars(warehouse, previous, earlier),
        amounts=not source.lacks("amount"),
    )
    checked = check(rows, context)
    counts = _count(sessions, checked, stocks, whole_days, previous, factored=not source.lacks("adj_factor"))
    refused = pl.concat(refused for _, refused in sides.values())
    return ValidatedBars(checked, counts, stopped, refused, source.absent)


def _side(source: Source, api_name: str, days: Sequence[str]) -> tuple[pl.DataFrame | None, pl.DataFrame]:
    """Fetch an interface's rows of some days: the usable ones, or None, and the others."""

    wire = source.frames(api_name, days)
    return (None, pl.DataFrame(schema=QUARANTINE)) if wire is None else split_valid(api_name, wire, days)


def _previous(source: Source, earlier: Sequence[date]) -> pl.DataFrame:
    """Fetch the bars of the session before the range; none before the first session of the calendar."""

    if not earlier:
        return pl.DataFrame(schema=BARS)
    before = [f"{earlier[-1]:%Y%m%d}"]
    return assemble(source.daily(before), source.frames("adj_factor", before), None)


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
