"""Fetching some sessions' rows and judging them: every rule for which the tier gives the knowledge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    import polars as pl

    from ljwx.core.bars import Checked, DayCount
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.tasks.sources import Source


@dataclass(frozen=True, eq=False)
class Judged:
    """Some sessions after the rules.

    :param counts: how whole each session is.
    :param stopped: suspend_d as it came; None where the tier does not carry it.
    :param absent: interfaces that the tier did not carry.
    """

    checked: Checked
    counts: tuple[DayCount, ...]
    stopped: pl.DataFrame | None
    absent: list[str]


def judge(source: Source, warehouse: WarehouseHook, sessions: Sequence[date]) -> Judged:
    """Fetch the sessions' rows and judge them; the session before is fetched too, for rules that look one bar back."""
    from ljwx.core.bars import Context, assemble, check, special_treatment, suspensions
    from ljwx.resources import sse_calendar

    calendar = sse_calendar()
    days = [f"{session:%Y%m%d}" for session in sessions]
    before = [f"{calendar.before(sessions[0]):%Y%m%d}"]
    daily, earlier = source.daily(days), source.daily(before)
    stopped = source.frames("suspend_d", days)
    rows = assemble(daily, source.frames("adj_factor", days), source.frames("stk_limit", days))
    previous = assemble(earlier, source.frames("adj_factor", before), None)
    stocks = None if source.lacks("stock_basic") else warehouse.instruments()
    whole_days = None if stopped is None else suspensions(stopped)
    context = Context(
        through=sessions[-1],
        sessions=calendar.between(calendar.sessions[0], sessions[-1]),
        instruments=stocks,
        suspended=whole_days,
        special=None if source.lacks("namechange") else special_treatment(warehouse.names()),
        before=previous.select("ts_code", "close", "adj_factor").drop_nulls(),
        amounts=not source.lacks("amount"),
    )
    checked = check(rows, context)
    counts = _count(sessions, checked, stocks, whole_days, previous)
    return Judged(checked, counts, stopped, source.absent)


def _count(
    sessions: Sequence[date],
    checked: Checked,
    stocks: pl.DataFrame | None,
    suspended: pl.DataFrame | None,
    previous: pl.DataFrame,
) -> tuple[DayCount, ...]:
    """Count against the listed stocks, or, where they are not known, against those of the session before."""
    from ljwx.core.bars import UNIVERSE_TOLERANCE, completeness, completeness_by_precedent
    from ljwx.settings import current_settings

    tolerance = current_settings().ingest.tolerance
    if stocks is not None:
        return completeness(sessions, checked, stocks, suspended, tolerance)
    seen = previous["ts_code"].drop_nulls().to_list()
    return completeness_by_precedent(sessions, checked, seen, suspended, max(tolerance, UNIVERSE_TOLERANCE))
