"""Write the shipped session list anew: ``python -m ljwx.refresh_sessions``.

The source is `trade_cal` of the connection `tushare_default` where that is defined, else the package
exchange_calendars. Only whole years are written, and never fewer than the list already has; run it at year end, when
the exchange has published the next year, and restart Airflow.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import warnings
from calendar import isleap
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from ljwx.core.sessions import SATURDAY, Calendar, load_calendar
from ljwx.exceptions import BadData, ConfigurationError, LjwxError
from ljwx.hooks.market import is_connected, market_source
from ljwx.resources import SESSIONS, TUSHARE_CONN_ID, included, own_file

SOURCES = ("auto", "trade_cal", "exchange_calendars")
HEADER = """\
# Trading sessions of the Shanghai and Shenzhen exchanges, one a line. Known through {through}.
# Written from {source}; past its end a weekday is tentative.
"""


def refresh(file: Path | None, source: str = "auto") -> str:
    """Replace the list by what the source knows, and say what changed in one line.

    :param file: the list; None for the one in use, whose successor is written below `LJWX_INCLUDE` where that is set.
    :param source: one of SOURCES.
    :raises BadData: the source lacks a year that the list has, or does not have every day of a year.
    :raises ConfigurationError: the source cannot be used.
    """
    path = file or own_file(SESSIONS)
    known = _known(file or included(SESSIONS))
    first, through = known.sessions[0].year, known.known_through.year
    named, sessions = _ask(source, first, through + 1)
    if not sessions or sessions[0].year != first or sessions[-1].year < through:
        years = f"{sessions[0].year} to {sessions[-1].year}" if sessions else "no whole year"
        raise BadData(f"{named} has {years}; {path} has {first} to {through} and stays as it is")
    new = Calendar(tuple(sessions), date(sessions[-1].year, 12, 31))
    _write(path, new, named)
    added, gone = set(sessions) - set(known.sessions), set(known.sessions) - set(sessions)
    return (
        f"{path}: known through {new.known_through} (was {known.known_through}), {len(added)} sessions added, "
        f"{len(gone)} removed{': ' + ', '.join(map(str, sorted(gone)[:5])) if gone else ''}, by {named}"
    )


def _known(path: Path) -> Calendar:
    try:
        return load_calendar(path)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the list to replace cannot be read: {error}") from None


def whole_years(days: Iterable[tuple[date, bool]]) -> list[date]:
    """Return the open days of the years that are announced, up to the first that is not.

    A year is announced when every day of it is given and some weekday is closed: a year without a holiday is a guess.

    :param days: calendar days and whether the exchange is open.
    """
    given = dict(days)
    counts = Counter(day.year for day in given)
    holidays = Counter(day.year for day, is_open in given.items() if not is_open and day.weekday() < SATURDAY)
    whole = [year for year in sorted(counts) if counts[year] == 365 + isleap(year) and holidays[year]]
    years = {year for at, year in enumerate(whole) if year == whole[0] + at}
    return sorted(day for day, is_open in given.items() if is_open and day.year in years)


def _ask(source: str, first: int, last: int) -> tuple[str, list[date]]:
    """Return the source's name and its sessions of whole years."""
    days = None if source == "exchange_calendars" else _by_connection(first, last, required=source == "trade_cal")
    if days is not None:
        return f"trade_cal of the connection {TUSHARE_CONN_ID}", whole_years(days)
    return "exchange_calendars (XSHG)", whole_years(_by_exchange_calendars(first, last))


def _by_connection(first: int, last: int, *, required: bool) -> list[tuple[date, bool]] | None:
    """Return the calendar of the connection's source; None where there is no connection, or no calendar.

    :param required: fail instead.
    :raises ConfigurationError: there is none, and it is required; or the connection is wrong.
    """
    if not required and not is_connected():
        return None
    calendar = market_source().calendar(date(first, 1, 1), date(last, 12, 31))
    if calendar is None and required:
        raise ConfigurationError(f"the source of the connection {TUSHARE_CONN_ID} has no calendar, or not for now")
    return None if calendar is None else list(calendar.select("session", "is_open").drop_nulls().iter_rows())


def _by_exchange_calendars(first: int, last: int) -> list[tuple[date, bool]]:
    try:
        package = importlib.import_module("exchange_calendars")
        exchange = importlib.import_module("exchange_calendars.exchange_calendar_xshg").XSHGExchangeCalendar
    except ImportError:
        raise ConfigurationError(
            f"define the connection {TUSHARE_CONN_ID}, or run `pip install exchange_calendars`, and try again"
        ) from None
    end = min(exchange.bound_max().date(), date(last, 12, 31))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of pandas, to the package's authors
        calendar = package.get_calendar("XSHG", start=f"{first}-01-01", end=str(end))
        sessions = {moment.date() for moment in calendar.sessions}
    every = (date.fromordinal(day) for day in range(date(first, 1, 1).toordinal(), end.toordinal() + 1))
    return [(day, day in sessions) for day in every]


def _write(path: Path, calendar: Calendar, source: str) -> None:
    """Put the new list in the place of the old one, whole or not at all."""
    lines = "".join(f"{session}\n" for session in calendar.sessions)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(HEADER.format(through=calendar.known_through, source=source) + lines, encoding="utf-8")
    partial.replace(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Refresh; return the exit status."""
    parser = argparse.ArgumentParser("ljwx.refresh_sessions", description="Write the shipped session list anew.")
    parser.add_argument("--source", choices=SOURCES, default="auto")
    parser.add_argument("--file", type=Path, help="the list to replace; else the one in use")
    options = parser.parse_args(arguments)
    # Connections kept in Airflow's database are found only by a process that says it may read it.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    try:
        sys.stdout.write(refresh(options.file, options.source) + "\n")
    except (LjwxError, OSError, ValueError) as error:
        sys.stderr.write(f"sessions not refreshed: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
