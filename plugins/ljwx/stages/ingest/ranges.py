"""Which sessions an ingest run is about: its partition key, or the dates a person gave."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from ljwx.core.sessions import Calendar
from ljwx.exceptions import ConfigurationError
from ljwx.resources import sse_calendar
from ljwx.stages.context import dag_run, params, today


def requested_sessions() -> tuple[date, ...]:
    """Return the sessions of the running DAG run, sorted, at least one.

    :raises ConfigurationError: no dates, wrong dates, or a range without a session.
    """

    key = dag_run().partition_key
    if key:
        return (date.fromisoformat(key),)
    return sessions_between(params(), sse_calendar(), today())


def sessions_between(params: Mapping[str, Any], calendar: Calendar, today: date) -> tuple[date, ...]:
    """Return the sessions from `start_date` to `end_date`.

    :param today: the run's day in Shanghai; later sessions have no data.
    :raises ConfigurationError: in one line, what is wrong with the dates.
    """
    start, end = (_date(params, name) for name in ("start_date", "end_date"))
    if end < start:
        raise ConfigurationError(f"end_date {end} is before start_date {start}; swap them")
    if end > today:
        raise ConfigurationError(
            f"end_date {end} is in the future (today is {today} in Shanghai); there is no data yet"
        )
    first = calendar.sessions[0]
    if start < first:
        raise ConfigurationError(f"start_date {start} is before {first}, where the shipped calendar begins")
    sessions = calendar.between(start, end)
    if not sessions:
        raise ConfigurationError(f"there is no trading session from {start} to {end}; choose a longer range")
    return sessions


def _date(params: Mapping[str, Any], name: str) -> date:
    text = params.get(name)
    if not text:
        raise ConfigurationError("give start_date and end_date, or trigger the run with a session as its partition key")
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise ConfigurationError(f"{name} {text!r} is not a date; write it as YYYY-MM-DD") from None
