"""From sessions to stocks: a market that comes some sessions at a time is laid down some stocks at a time.

Pure: never imports airflow, an HTTP client or a database driver. What a fact needs of the whole session is computed
here, the rest by stocks.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import polars as pl

from ljwx.core.bars.codes import TRADED
from ljwx.core.datasets.market.known import Known
from ljwx.core.datasets.market.shelf import Shelf
from ljwx.core.parts import places
from ljwx.core.snapshots.facts import with_ranks
from ljwx.exceptions import TooFewSessions

STOCKS_ROWS: Final = 200_000
"""About as many rows of whole stocks are in memory at once."""
SESSIONS_ROWS: Final = 40_000
"""Rows of bars that are looked at together where they come from frames."""

_KEY: Final = ("ts_code", "session")
_FOR_OUTCOMES: Final = ("adj_factor", "unfactored")


@dataclass(frozen=True)
class Part:
    """Some whole sessions of a market.

    :param bars: BARS frame, and where their factors may have to be chained yet ``unfactored``, see
        :mod:`ljwx.core.bars.chaining`.
    :param features: FEATURES frame of the same sessions, with the columns of tables of facts; None: the sessions come
        after all that are looked at, and only decide how factors are chained.
    """

    bars: pl.DataFrame
    features: pl.DataFrame | None


def parts_of(bars: pl.DataFrame, features: pl.DataFrame) -> Iterator[Part]:
    """Part frames into some sessions at a time."""
    days = bars.group_by("session").len().sort("session").rows()
    for first, last in spans(days, SESSIONS_ROWS):
        inside = pl.col("session").is_between(first, last)
        yield Part(bars.filter(inside), features.filter(inside))


def spans(days: Iterable[tuple[dt.date, int]], rows: int) -> Iterator[tuple[dt.date, dt.date]]:
    """First and last of some sessions at a time that have about ``rows`` rows together.

    :param days: sessions in order, with the rows of each.
    """
    held, first, last = 0, None, None
    for session, count in days:
        first, last, held = first or session, session, held + count
        if held >= rows:
            yield first, last
            held, first = 0, None
    if first is not None and last is not None:
        yield first, last


@dataclass(frozen=True)
class Laid:
    """A market on a shelf, by groups of neighbouring stocks.

    :param groups: numbers of the groups that have rows, in the order of the stocks.
    :param rows: session → its rows, of the sessions that are looked at, in order.
    :param traded: every code under which a row was traded, sorted.
    """

    known: Known
    shelf: Shelf
    groups: tuple[int, ...]
    rows: dict[dt.date, int]
    traded: tuple[str, ...]


def stocks_name(group: int) -> str:
    """Name on the shelf of a group's rows, and of those after the last session that is looked at."""
    return f"stocks-{group}"


def later_name(group: int) -> str:
    """Name on the shelf of a group's bars after the last session that is looked at."""
    return f"later-{group}"


def lay(parts: Iterable[Part], known: Known, shelf: Shelf) -> Laid:
    """Lay a market down by stocks.

    :param parts: in the order of their sessions.
    :raises TooFewSessions: there are no bars.
    """
    rows: dict[dt.date, int] = {}
    traded: set[str] = set()
    groups: set[int] = set()
    bounds: list[str] | None = None
    for part in parts:
        stocks = known.codes.as_stocks(part.bars).sort(_KEY)
        bounds = _bounds(stocks, known) if bounds is None else bounds
        if part.features is None:
            for group, piece in _by_group(stocks.select(_of_bars(stocks)), bounds):
                shelf.put(later_name(group), piece)
            continue
        rows |= dict(stocks.group_by("session").len().sort("session").iter_rows())
        traded |= set(part.bars["ts_code"].unique())
        features = known.codes.as_stocks(part.features).drop(TRADED, strict=False)
        for group, piece in _by_group(_joined(stocks, features, known), bounds):
            groups.add(group)
            shelf.put(stocks_name(group), piece)
    if not rows:
        raise TooFewSessions("there are no bars")
    return Laid(known, shelf, tuple(sorted(groups)), dict(sorted(rows.items())), tuple(sorted(traded)))


def _joined(stocks: pl.DataFrame, features: pl.DataFrame, known: Known) -> pl.DataFrame:
    """What facts and outcomes are made of, a row a bar."""
    industries = known.stock_industries
    ranked = with_ranks(stocks, features, known.spec, industries)
    more = [name for name in (*_FOR_OUTCOMES, TRADED) if name in stocks.columns]
    return pl.concat([ranked, stocks.select(more)], how="horizontal").join(
        features, on=_KEY, how="left", maintain_order="left"
    )


def _of_bars(stocks: pl.DataFrame) -> list[str]:
    """The columns that chaining reads."""
    return [name for name in (*_KEY, "close", "pre_close", *_FOR_OUTCOMES) if name in stocks.columns]


def _bounds(stocks: pl.DataFrame, known: Known) -> list[str]:
    """The first code of each group of stocks but the first, so that a group has about STOCKS_ROWS rows."""
    listed = known.codes.listed(known.instruments)["ts_code"]
    codes = pl.concat([listed, stocks["ts_code"]]).unique().sort().to_list()
    count = max(1, round(len(codes) * len(known.sessions) / STOCKS_ROWS))
    return [codes[len(codes) * at // count] for at in range(1, count)]


def _by_group(rows: pl.DataFrame, bounds: list[str]) -> Iterator[tuple[int, pl.DataFrame]]:
    """Part rows in the order of their stocks."""
    for group, inside in groupby(places(rows).items(), key=lambda place: bisect_right(bounds, place[0])):
        spread = [where for _, where in inside]
        first, (last, count) = spread[0][0], spread[-1]
        yield group, rows.slice(first, last + count - first)
