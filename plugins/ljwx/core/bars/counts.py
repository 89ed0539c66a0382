"""Whether a day is whole. Pure: nothing here may import airflow, HTTP or SQL.

The source publishes a day in parts and has no row for a suspended stock, so that "there are rows" says nothing: the
rows are counted against the stocks that should have one.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from ljwx.core.bars.codes import UNRENAMED, Codes
from ljwx.core.bars.validation import Checked

TOLERANCE = 0.002
"""Share of the expected rows that may be missing: suspensions are published irregularly."""

UNIVERSE_TOLERANCE = 0.02
"""The same without a list of stocks, or without suspensions: what is suspended or delisted is a missing row then."""
UNIVERSE_SLACK = 3
"""Stocks that may always be missing then, half of them at most: in a small market one suspension is a large share."""


@dataclass(frozen=True)
class DayCount:
    """The rows of one session against those that should be there.

    :param listed: stocks listed that day; without a universe, the stocks of the session before.
    :param suspended: those of them suspended for the whole day; one that traded all the same is not.
    :param expected: listed - suspended.
    :param received: kept bars of expected stocks.
    :param unfactored: those of them without a factor, where the source carries factors.
    :param quarantined: rows in quarantine, of any code.
    :param missing: expected codes with neither a bar nor a row in quarantine, sorted; a renamed stock by its newest.
    :param complete: whether received reaches expected within the tolerance; a row in quarantine does not count as
        received, nor does one without its factor.
    """

    session: date
    listed: int
    suspended: int
    expected: int
    received: int
    unfactored: int
    quarantined: int
    missing: tuple[str, ...]
    complete: bool


def expected(instruments: pl.DataFrame, suspended: Collection[str], session: date) -> frozenset[str]:
    """Codes that should have a bar: listed by that day, not yet delisted, not suspended for the whole day."""
    return _listed(instruments, session) - frozenset(suspended)


def completeness(
    sessions: Sequence[date],
    checked: Checked,
    instruments: pl.DataFrame,
    suspended: pl.DataFrame | None = None,
    tolerance: float = TOLERANCE,
    *,
    factored: Collection[date] = (),
    halts_known: Collection[date] | None = None,
    codes: Codes = UNRENAMED,
) -> tuple[DayCount, ...]:
    """Count each session's rows.

    :param sessions: the sessions asked for, whether rows came or not.
    :param checked: what ``check`` made of all their rows.
    :param instruments: ts_code, list_date, delist_date.
    :param suspended: ts_code, session of whole-day suspensions.
    :param tolerance: share of the expected rows that may be missing, in quarantine or without a factor.
    :param factored: the sessions whose factors the source gives, so that a bar without one is not whole.
    :param halts_known: the sessions whose suspensions the source gives; all when None. Of another one as many may be
        missing as without a list of stocks.
    :param codes: a renamed stock is one, whichever of its codes the rows have.
    """
    rows, counts = _Rows.of(checked, suspended, factored, codes), []
    stocks = instruments.with_columns(ts_code=codes.stock())
    for session in sessions:
        listed = _listed(stocks, session)
        share = tolerance if halts_known is None or session in halts_known else untold_tolerance(len(listed), tolerance)
        counts.append(_day(session, listed, rows, share))
    return tuple(counts)


def completeness_by_precedent(
    sessions: Sequence[date],
    checked: Checked,
    before: Mapping[str, float | None],
    suspended: pl.DataFrame | None = None,
    tolerance: float = UNIVERSE_TOLERANCE,
    *,
    factored: Collection[date] = (),
) -> tuple[DayCount, ...]:
    """Count each session's rows against the stocks of the last complete session, for a tier without stock_basic.

    A stock in quarantine stays expected. A code that comes with the last close of one that is missing as its pre_close
    takes that one's place: exchanges rename many on one day. Without any session before, a day that has a bar is
    complete: there is nothing to compare it with.

    :param sessions: the sessions asked for, in time order.
    :param before: the codes that had a bar in the session before the first, and their closes.
    :param tolerance: as for ``completeness``; ``UNIVERSE_SLACK`` stocks may be missing in any case.
    :param factored: as for ``completeness``.
    """
    rows = _Rows.of(checked, suspended, factored, UNRENAMED)
    reference, closes, counts = frozenset(before), before, []
    for session in sessions:
        bars = frozenset(rows.bars.get(session, ()))
        known = reference or bars
        if known - bars and bars - known:
            known = _with_new_codes(known, bars, closes, _prices(checked, session, "pre_close"))
        count = _day(session, known, rows, max(tolerance, _slack(len(known))))
        counts.append(count)
        if count.complete:
            reference = bars | reference.intersection(rows.bad.get(session, ()))
            closes = _prices(checked, session, "close")
    return tuple(counts)


def _prices(checked: Checked, session: date, name: str) -> dict[str, float | None]:
    return dict(checked.bars.filter(pl.col("session") == session).select("ts_code", name).iter_rows())


def _with_new_codes(
    known: frozenset[str],
    bars: frozenset[str],
    closes: Mapping[str, float | None],
    references: Mapping[str, float | None],
) -> frozenset[str]:
    """Put codes that came in the place of missing ones of their exchange whose last close is their pre_close."""
    missing: dict[tuple[str, float | None], list[str]] = defaultdict(list)
    for code in sorted(known - bars):
        missing[code[-2:], closes.get(code)].append(code)
    missing = {(exchange, close): codes for (exchange, close), codes in missing.items() if close is not None}
    for code in sorted(bars - known):
        if taken := missing.get((code[-2:], references.get(code))):
            known = known - {taken.pop()} | {code}
    return known


def untold_tolerance(listed: int, tolerance: float) -> float:
    """Return the share of a session's expected rows that may be missing where suspensions are missing rows too.

    :param listed: stocks listed that day.
    :param tolerance: the share where suspensions are known.
    """
    return max(tolerance, UNIVERSE_TOLERANCE, _slack(listed))


def _slack(stocks: int) -> float:
    return (min(UNIVERSE_SLACK, stocks // 2) + 0.5) / max(stocks, 1)


@dataclass(frozen=True)
class _Rows:
    """The codes of each session: kept, without the factor they should have, in quarantine, suspended."""

    bars: dict[date, list[str]]
    bare: dict[date, list[str]]
    bad: dict[date, list[str]]
    halted: dict[date, list[str]]

    @classmethod
    def of(cls, checked: Checked, suspended: pl.DataFrame | None, factored: Collection[date], codes: Codes) -> _Rows:
        def named(frame: pl.DataFrame) -> dict[date, list[str]]:
            return _codes(frame.with_columns(ts_code=codes.stock()))

        days = pl.Series(sorted(factored), dtype=pl.Date)
        bare = checked.bars.filter(pl.col("adj_factor").is_null() & pl.col("session").is_in(days.implode()))
        halted = {} if suspended is None else named(suspended)
        return cls(named(checked.bars), named(bare), named(checked.quarantine), halted)


def _day(day: date, listed: frozenset[str], rows: _Rows, tolerance: float) -> DayCount:
    traded = frozenset(rows.bars.get(day, ()))
    wanted = listed.difference(frozenset(rows.halted.get(day, ())) - traded)
    received = wanted & traded
    bare = received.intersection(rows.bare.get(day, ()))
    bad = rows.bad.get(day, ())
    return DayCount(
        session=day,
        listed=len(listed),
        suspended=len(listed) - len(wanted),
        expected=len(wanted),
        received=len(received),
        unfactored=len(bare),
        quarantined=len(bad),
        missing=tuple(sorted(wanted - received - frozenset(bad))),
        complete=is_complete(len(wanted), len(received), len(bare), tolerance),
    )


def is_complete(expected: int, received: int, unfactored: int, tolerance: float) -> bool:
    """Say whether a session's counts, as ``DayCount`` has them, are those of a whole one."""
    return received > 0 and expected - received + unfactored <= math.floor(tolerance * expected)


def _listed(instruments: pl.DataFrame, session: date) -> frozenset[str]:
    begun = (pl.col("list_date") <= session).fill_null(False)
    ended = (pl.col("delist_date") <= session).fill_null(False)
    return frozenset(instruments.filter(begun & ~ended)["ts_code"].to_list())


def _codes(frame: pl.DataFrame) -> dict[date, list[str]]:
    groups = frame.drop_nulls(["session", "ts_code"]).group_by("session").agg("ts_code")
    return dict(groups.iter_rows())
