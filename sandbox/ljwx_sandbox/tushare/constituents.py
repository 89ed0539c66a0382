"""An index of the simulated market: its members are chosen anew in June and December, and listed month by month.

It is the largest third by market value, which stands for the CSI 300 of the real market. TuShare gives a list a month,
as of its last session; of a few months in its past there are more, or none.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np

from ljwx_sandbox.tushare.daybook import UNLISTED
from ljwx_sandbox.tushare.interfaces import INTERFACES, ListBlock
from ljwx_sandbox.tushare.market import SimulatedMarket, ordinal
from ljwx_sandbox.tushare.universe import Floats
from ljwx_sandbox.tushare.wire import Query
from ljwx_sandbox.tushare.year import Bools

INDEX = "000300.SH"
_COLUMNS = INTERFACES["index_weight"].default
_SHARE = 3
_REVIEWS = (5, 11)
"""Months at whose end the members of the next half-year are chosen."""


def index_weights(market: SimulatedMarket, query: Query, first: date, today: date) -> Iterator[ListBlock]:
    """Yield the lists of a query, newest first; none for an index that nobody knows."""
    if query.given.get("index_code", "").strip().upper() != INDEX:
        return
    start = max(ordinal(query.start), first.toordinal()) if query.start else first.toordinal()
    end = min(ordinal(query.end), today.toordinal())
    for year in range(date.fromordinal(end).year, date.fromordinal(start).year - 1, -1):
        for month in range(12, 0, -1):
            day = _month_end(market, year, month)
            if day is not None and start <= day.toordinal() <= end:
                yield _members(market, day, today)


def _month_end(market: SimulatedMarket, year: int, month: int) -> date | None:
    """Return a month's last session, None for a month before the market's first one."""
    days = [day for day in market.sessions.of_year(year) if day.month == month and day >= market.origin]
    return days[-1] if days else None


def _members(market: SimulatedMarket, day: date, today: date) -> ListBlock:
    """List the members in force on a day by their code's place, with weights in per cent; who was delisted is gone."""
    value, listed = _values(market, day)
    chosen = _chosen(market, day) & listed
    weights = np.round(value[chosen] / value[chosen].sum() * 100, 4)
    of, asked = market.universe.book.of, today.toordinal()
    codes = [of(int(at), day.toordinal(), asked) for at in np.flatnonzero(chosen)]
    rows = [[INDEX, code, f"{day:%Y%m%d}", weight] for code, weight in zip(codes, weights.tolist(), strict=True)]
    return ListBlock.of_records(_COLUMNS, rows)


def _chosen(market: SimulatedMarket, day: date) -> Bools:
    """Return who was chosen at the last review before a day, or on the market's first session."""
    past = [month for month in _REVIEWS if month < day.month]
    review = _month_end(market, day.year if past else day.year - 1, (past or _REVIEWS)[-1])
    value, listed = _values(market, review or market.origin)
    order = np.argsort(-np.where(listed, value, 0.0), kind="stable")
    chosen = np.zeros(len(value), np.bool_)
    chosen[order[: max(1, round(int(listed.sum()) / _SHARE))]] = True
    return chosen & listed


def _values(market: SimulatedMarket, day: date) -> tuple[Floats, Bools]:
    """Return each stock's market value at a session, and whether it is listed."""
    chunk = market.year(day.year)
    if chunk is None:
        raise ValueError(f"{day} is before the market's first session, {market.origin}")
    at = chunk.days.index(day.toordinal())
    return chunk.close[at] * chunk.total_share[at], chunk.status[at] != UNLISTED
