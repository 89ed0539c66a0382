"""Evidence day by day: what sessions say about each of the days after them, added up. Pure: no I/O, no clock.

The RankIC against a return over h sessions is known h sessions later, and those of neighbours overlap. Of a single day
the same order says something that no other day shares: its RankIC against that day's returns. A day is judged by the
orders of the h sessions before it, like a portfolio of which a part of h is bought anew each day; the mean of their
RankICs is the day's number. It is known at its close, so one gambler may bet on every day, and the whole error rate
holds without proposals (Ville 1939), where no day is expected to favour the challenger. It is written down when the
session's outcomes are known: a stock that never gets one, such as one that is delisted, is in no order.

His stake is a share of three usual sizes of the days before, and a usual size is never taken for less than
``LEAST_SIZE``. So he is not ruined by any day that is better than ``-LARGEST_LOSS``, and as long as none is worse the
bound is a theorem, whatever the differences are like.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ljwx.core.evaluations import Question
from ljwx.core.evidence.betting import Course, follow
from ljwx.core.evidence.scale import BOUND, as_shares, usual_bounds

Floats = NDArray[np.float64]

DAY_STAKES: Final = (0.4,)
"""Shares of the capital that a bet on a day risks."""
LEAST_SIZE: Final = 0.1
"""Shared luck moves a day's RankIC by about as much, however many stocks it has."""
LARGEST_LOSS: Final = BOUND * LEAST_SIZE / max(DAY_STAKES)


@dataclass(frozen=True)
class DailyMoves:
    """Returns of stocks on each of the h days after sessions: from the open of the first day, then close to close.

    :param values: sessions × stocks × h; 0 where a stock did not trade.
    """

    sessions: Mapping[date, int]
    stocks: Mapping[str, int]
    values: Floats

    def of(self, questions: Sequence[Question]) -> Floats:
        """Return questions × h; NaN of a session that is not known, 0 of a stock that is not."""
        rows = np.array([self.sessions.get(each.session, -1) for each in questions], dtype=np.intp)
        columns = np.array([self.stocks.get(each.ts_code, -1) for each in questions], dtype=np.intp)
        found = np.zeros((len(questions), self.values.shape[-1]))
        known = (rows >= 0) & (columns >= 0)
        found[known] = self.values[rows[known], columns[known]]
        found[rows < 0] = np.nan
        return found


def daily_moves(bars: pl.DataFrame, sessions: Sequence[date], calendar: Sequence[date], horizon: int) -> DailyMoves:
    """Return the moves after sessions; those whose days are not over, or have a day without any bar, are left out.

    :param bars: ts_code, session, open, close and adj_factor of the days after the sessions.
    :param calendar: all sessions of the exchange up to the newest.
    """
    place = {day: at for at, day in enumerate(calendar)}
    there = set(bars["session"].unique().to_list())
    over = [day for day in sessions if place[day] + horizon < len(calendar)]
    over = [day for day in over if there.issuperset(calendar[place[day] + 1 : place[day] + horizon + 1])]
    stocks = {code: at for at, code in enumerate(bars["ts_code"].unique().sort())}
    if not over or not stocks:
        return DailyMoves({}, stocks, np.zeros((0, len(stocks), horizon)))
    first = place[over[0]] + 1
    days = place[over[-1]] + horizon + 1 - first
    rows = np.array([place[day] - first for day in bars["session"].to_list()], dtype=np.intp)
    columns = np.array([stocks[code] for code in bars["ts_code"].to_list()], dtype=np.intp)
    inside = (rows >= 0) & (rows < days)
    opens, closes = np.full((2, days, len(stocks)), np.nan)
    for table, name in ((opens, "open"), (closes, "close")):
        price = (bars[name] * bars["adj_factor"]).to_numpy()
        table[rows[inside], columns[inside]] = price[inside]
    begins = np.array([place[day] + 1 - first for day in over])
    return DailyMoves({day: at for at, day in enumerate(over)}, stocks, _moves(opens, closes, begins, horizon))


def _moves(opens: Floats, closes: Floats, begins: NDArray[np.intp], horizon: int) -> Floats:
    """Return sessions × stocks × h from days × stocks: of a stock without a bar the last close stays."""
    at = np.where(np.isnan(closes), 0, np.arange(len(closes))[:, None])
    lasting = np.take_along_axis(closes, np.maximum.accumulate(at, axis=0), axis=0)
    found = np.empty((len(begins), closes.shape[1], horizon))
    found[:, :, 0] = closes[begins] / opens[begins] - 1
    for later in range(1, horizon):
        found[:, :, later] = lasting[begins + later] / lasting[begins + later - 1] - 1
    return np.nan_to_num(found)


def of_days(parts: Floats) -> Floats:
    """Return (..., sessions): what the day after each session says; NaN after the last session that is known.

    :param parts: (..., sessions, h) along the exchange's calendar: differences of RankIC on the days after each; NaN
        where a session says nothing.
    """
    sessions, horizon = parts.shape[-2:]
    found = np.zeros(parts.shape[:-1])
    for back in range(min(horizon, sessions)):
        found[..., back:] += np.nan_to_num(parts[..., : sessions - back, back]) / horizon
    there = ~np.isnan(parts[..., 0])
    return np.where(np.maximum.accumulate(there[..., ::-1], axis=-1)[..., ::-1], found, np.nan)


def follow_days(days: Floats, chance: Floats, alpha: Floats | float) -> Course:
    """Follow the evidence that the mean of the days is above 0.

    :param days: (..., sessions) as :func:`of_days` makes them.
    :param chance: as of :func:`ljwx.core.evidence.scale.usual_bounds`.
    """
    bounds = np.maximum(usual_bounds(days, chance, 1), BOUND * LEAST_SIZE)
    return follow(as_shares(days, bounds), 1, alpha, DAY_STAKES)
