"""What a simulated portfolio was worth against the market of the same stocks. Pure: no airflow, no I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import e, sqrt
from statistics import NormalDist
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ljwx.core.evaluations.intervals import FEWEST_BLOCKS, Resampling, draws, widening_of
from ljwx.core.evidence.sessions import RECORD, Source, known_rank_ic
from ljwx.core.evidence.size import size_of
from ljwx.core.forward.market import Market
from ljwx.core.forward.portfolio import LEFT_OUT, Curve, PortfolioSpec, hold, index_curve, top_weights

Floats = NDArray[np.float64]

YEAR: Final = 242
"""Sessions of a year."""
EULER: Final = 0.5772156649015329


@dataclass(frozen=True)
class Ratio:
    """An information ratio a year, with its block-bootstrap interval; the bounds are None where sessions are few."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class IcAt:
    """The mean RankIC of signals with the return to the close of a later session."""

    horizon: int
    mean: float
    error: float
    sessions: int


@dataclass(frozen=True)
class Earned:
    """A portfolio beside the equal-weight market of the same stocks, traded alike, and an index.

    Returns are fractions a year. ``turnover``: what is bought in a year, in times of the portfolio. ``capacity``: CNY,
    the median of the sessions; ``capacity_low``: nine of ten have more.

    :param excess: annual return less the market's. ``deflated``: chance that the excess has a Sharpe ratio above 0,
        after the best of all recipes ever tried would have had one by luck.
    """

    curve: Curve
    market: Curve
    index: Floats | None
    annual: float
    market_annual: float
    index_annual: float | None
    excess: float
    drawdown: float
    turnover: float
    capacity: float | None
    capacity_low: float | None
    information_ratio: Ratio | None
    deflated: float | None
    tried: int
    ics: tuple[IcAt, ...]


@dataclass(frozen=True)
class EarnedBy:
    """A simulated portfolio of one answerer's answers to one task; fractions a year, but the curves.

    :param curve: its value at each close, after all costs; ``market``: of the equal-weight market of the same stocks.
    :param index: the level of an index at each close, in times of that at the close before the first; None where one is
        not stored. ``index_note``: what it is, or why there is none.
    :param origin: where the answers stand: the forward record, or a dataset's validation split, which is a backtest.
    """

    answerer: str
    digest: str | None
    task: str
    horizon: int
    meaning: str
    sessions: tuple[date, ...]
    curve: tuple[float, ...]
    market: tuple[float, ...]
    index_code: str | None
    index: tuple[float, ...] | None
    annual: float
    market_annual: float
    index_annual: float | None
    excess: float
    drawdown: float
    turnover: float
    capacity_cny: float | None
    capacity_cny_low: float | None
    information_ratio: Ratio | None
    deflated_sharpe: float | None
    recipes_tried: int
    ics: tuple[IcAt, ...]
    index_note: str
    note: str = LEFT_OUT
    origin: Source = RECORD


def earn(
    signals: pl.DataFrame,
    market: Market,
    spec: PortfolioSpec,
    tried: Sequence[float] | int = 1,
    index: Sequence[float] | None = None,
    brief: bool = False,
) -> Earned:
    """Simulate what the answers would have earned.

    :param signals: session, ts_code, signal; of answers in time.
    :param tried: the Sharpe ratios of the excess, a session, of every recipe ever tried; or how many they were.
    :param index: its closes: of the first answer's session and of every one after it.
    :param brief: without what takes most of the time: ``information_ratio`` is None, ``ics`` empty.
    """
    said = market.laid_out(signals)
    curve = hold(top_weights(said, spec.top), market, spec)
    alike = hold(top_weights(np.where(np.isnan(said), np.nan, 0.0), 1.0), market, spec)
    levels = None if index is None else index_curve(index, curve)
    gap = curve.returns - alike.returns
    known = curve.capacity[~np.isnan(curve.capacity)]
    return Earned(
        curve=curve,
        market=alike,
        index=levels,
        annual=annual(curve.values),
        market_annual=annual(alike.values),
        index_annual=None if levels is None else annual(levels),
        excess=annual(curve.values) - annual(alike.values),
        drawdown=drawdown(curve.values),
        turnover=float(curve.bought.mean()) * YEAR,
        capacity=float(np.median(known)) if len(known) else None,
        capacity_low=float(np.quantile(known, 0.1)) if len(known) else None,
        information_ratio=None if brief else information_ratio(gap, Resampling(block=2 * spec.horizon)),
        deflated=deflated_sharpe(gap, tried),
        tried=tried if isinstance(tried, int) else len(tried),
        ics=() if brief else ics_by_horizon(said, market, 2 * spec.horizon),
    )


def annual(values: Floats) -> float:
    """Return the growth a year of values that begin with 1 before the first, as a fraction."""
    return float(values[-1] ** (YEAR / len(values)) - 1)


def drawdown(values: Floats) -> float:
    """Return the largest fall from a highest value before, as a positive fraction; the first value before is 1."""
    path = np.concatenate([[1.0], values])
    return float((1 - path / np.maximum.accumulate(path)).max())


def information_ratio(excess: Floats, resampling: Resampling) -> Ratio | None:
    """Return mean / standard deviation of the excess returns, a year; None where they do not differ.

    :param excess: (sessions) returns less the market's.
    """
    if len(excess) < 2 or not excess.std() > 0:
        return None
    value = float(excess.mean() / excess.std(ddof=1)) * sqrt(YEAR)
    if len(excess) < FEWEST_BLOCKS * resampling.block:
        return Ratio(value, None, None)
    drawn, n = draws(len(excess), resampling), len(excess)
    means, squares = drawn @ excess / n, drawn @ excess**2 / n
    found = sqrt(YEAR) * means / np.sqrt(np.maximum(squares - means**2, 1e-30))
    tail = (1 - resampling.confidence) / 2
    wider, centre = widening_of(n / resampling.block, 1 - tail), float(found.mean())
    low, high = (value + wider * (float(end) - centre) for end in np.quantile(found, [tail, 1 - tail]))
    return Ratio(value, low, high)


def sharpe(returns: Floats) -> float:
    """Return mean / standard deviation, a session; 0 where they do not differ."""
    spread = float(returns.std(ddof=1)) if len(returns) > 1 else 0.0
    return float(returns.mean()) / spread if spread > 0 else 0.0


def deflated_sharpe(returns: Floats, tried: Sequence[float] | int) -> float | None:
    """Return the deflated Sharpe ratio of returns (Bailey and López de Prado 2014); None where they do not differ.

    Where the ratios of what was tried are not known, they are taken to differ as those of so long a record do by luck.
    """
    value, n = sharpe(returns), len(returns)
    if value == 0:
        return None
    off = (returns - returns.mean()) / returns.std()
    count = tried if isinstance(tried, int) else len(tried)
    known = not isinstance(tried, int) and count > 1
    variance = float(np.var(tried, ddof=1)) if known else 1 / (n - 1)
    return deflated(value, n, float((off**3).mean()), float((off**4).mean()), max(count, 1), variance)


def deflated(value: float, sessions: int, skewness: float, kurtosis: float, tried: int, variance: float) -> float:
    """Return the chance that a Sharpe ratio is above what the best of those tried shows by luck.

    :param value: a session, not a year, as is ``variance``, of the ratios of all that were tried.
    :param kurtosis: 3 of a normal distribution.
    """
    by_luck = sqrt(variance) * expected_best(tried)
    spread = sqrt(max(1 - skewness * value + (kurtosis - 1) / 4 * value**2, 1e-12))
    return NormalDist().cdf((value - by_luck) * sqrt(sessions - 1) / spread)


def expected_best(tried: int) -> float:
    """Return about the expected highest of so many standard normal numbers; 0 of one."""
    if tried < 2:
        return 0.0
    quantile = NormalDist().inv_cdf
    return (1 - EULER) * quantile(1 - 1 / tried) + EULER * quantile(1 - 1 / (tried * e))


def ics_by_horizon(signals: Floats, market: Market, longest: int) -> tuple[IcAt, ...]:
    """Return the mean RankIC with the return from the next open to the close 1 … ``longest`` sessions on.

    :param signals: sessions × stocks, NaN where nothing was said.
    """
    found = []
    for horizon in range(1, min(longest, len(signals) - 1) + 1):
        entry = np.where(market.buyable, market.open, np.nan)[1 : len(signals) - horizon + 1]
        came = market.close[horizon:] / entry
        each = np.array([known_rank_ic(*rows) for rows in zip(signals[: len(came)], came, strict=True)])
        size = size_of(each, horizon)
        if size is not None:
            found.append(IcAt(horizon, size.raw, size.error, size.sessions))
    return tuple(found)
