"""The gap check: which trading days are missing or incomplete, and how far the shipped calendar still reaches."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any

from ljwx.core.bars import Capability
from ljwx.core.sessions import unbroken
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import REFRESH_SESSIONS, sse_calendar
from ljwx.schedule import SHANGHAI
from ljwx.settings import current_settings
from ljwx.stages.context import dag_run
from ljwx.warehouse.market.bars import KnownDay

log = logging.getLogger(__name__)

HORIZON_DAYS = 30
"""The calendar's end is announced this many days ahead: the exchange publishes the next year in December."""


def check_gaps() -> dict[str, Any]:
    """Report, one line each, what lies between the first and the last known session and is not complete, or lacks what
    no scheduled run will fill in.

    Nothing here fails the run. A day that the calendar has meanwhile learnt to be closed is no gap.

    :return: counts of missing and incomplete sessions, and the days that the calendar reaches past the run's day.
    """

    warehouse = WarehouseHook()
    days = warehouse.known_days()
    calendar = sse_calendar()
    known = [day.session for day in days]
    trading = warehouse.trading_days(known[0], known[-1]) if known else []
    fetched = {day.session: day for day in days if day.fetched}
    missing = _report_missing(trading, fetched)
    incomplete = [fetched[day] for day in trading if day in fetched and not fetched[day].complete]
    for day in incomplete:
        log.warning(
            "%s is incomplete: %d of %d bars, %d missing, %d in quarantine%s; later stages do not see it. %s",
            day.session, day.received, day.expected, day.missing, day.quarantined,
            f", {day.unfactored} without a factor" if day.unfactored else "",
            _remedy(day.session, day.session),
        )  # fmt: skip
    _report_lacking(trading, fetched)
    left = calendar.days_left(_run_day())
    _warn_of_the_end(left, calendar.known_through)
    log.info("gaps: %d missing, %d incomplete of %d known sessions", missing, len(incomplete), len(known))
    return {"missing": missing, "incomplete": len(incomplete), "calendar_days_left": left}


def _report_missing(trading: Sequence[date], fetched: Collection[date]) -> int:
    """Log each run of trading days that were never fetched; return how many days they are."""

    gone = [session for session in trading if session not in fetched]
    for first, last in unbroken(gone, trading):
        span = str(first) if first == last else f"{first} to {last}"
        log.warning(
            "%s: never fetched. %s If the exchange was closed then, correct the calendar: %s",
            span, _remedy(first, last), REFRESH_SESSIONS,
        )  # fmt: skip
    return len(gone)


def _report_lacking(trading: Sequence[date], fetched: Mapping[date, KnownDay]) -> None:
    """Log each run of complete sessions that lack the same, left out for a limit, and that lie too far back."""
    reach = current_settings().ingest.catch_up
    beyond = [day for day in (trading[:-reach] if reach else trading) if day in fetched and fetched[day].complete]
    for lacking, days in groupby(beyond, key=lambda day: set(fetched[day].deferred) - {Capability.CALENDAR.value}):
        for first, last in unbroken(list(days), trading) if lacking else ():
            log.warning(
                "%s to %s still lack %s, which a limit kept from them, and no scheduled run looks back so far "
                "(ingest.catch_up). %s", first, last, ", ".join(sorted(lacking)), _remedy(first, last),
            )  # fmt: skip


def _remedy(first: date, last: date) -> str:
    return f"Trigger ljwx_daily_ingest with start_date {first} and end_date {last}."


def _warn_of_the_end(left: int, end: date) -> None:

    if left <= HORIZON_DAYS:
        ends = f"ends on {end}, {left} days after this run's day" if left >= 0 else f"ended on {end}"
        log.warning(
            "the shipped calendar %s; past it every weekday is tried as a session. Refresh it: %s",
            ends, REFRESH_SESSIONS,
        )  # fmt: skip


def _run_day() -> date:
    """Return the run's day: its partition's, else the day in Shanghai from which it may run."""

    run = dag_run()
    if run.partition_key:
        return date.fromisoformat(run.partition_key)
    day: date = run.run_after.astimezone(SHANGHAI).date()
    return day
