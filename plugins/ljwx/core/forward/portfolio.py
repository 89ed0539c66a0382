"""What buying the top of each session's answers would have brought, after costs. Pure: no airflow, no I/O, no clock.

At the open after each session a portfolio buys the stocks with the highest signals, equally weighted, with one of h
equal parts of its money; it sells them at the close of the h-th session after the answer (Jegadeesh and Titman 1993).
With h = 1 it has two parts and sells a session later: nothing may be sold on the day on which it was bought.
What cannot be bought at that open stays cash. What cannot be sold at that close waits for one at which it can be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ljwx.core.forward.market import Market
from ljwx.core.labels.costs import Costs

Floats = NDArray[np.float64]

LEFT_OUT: Final = """Simulated from answers and daily bars; nobody traded it. It is no advice.
It leaves out: how orders move the price, beyond the slippage that is set; trades at other prices than the open and \
the close; taxes on dividends; interest on cash. A stock that is delisted keeps its last price."""
BACKTEST: Final = """BACKTEST: answers about sessions that were over when they were given, of a dataset's validation \
split. A model may remember them, and by them it was chosen: only the forward record shows what it foresees.
"""


@dataclass(frozen=True)
class PortfolioSpec:
    """How a portfolio trades.

    :param horizon: h, sessions from an answer to its sale.
    :param top: share of the stocks of a session that is bought, from the highest signal.
    :param slippage: what each side loses against the price of the bar, a fraction.
    :param share_of_turnover: of a stock's turnover of the day that one order may be; bounds the capacity.
    """

    horizon: int = 5
    top: float = 0.1
    costs: Costs = field(default_factory=Costs)
    slippage: float = 0.0005
    share_of_turnover: float = 0.05

    def __post_init__(self) -> None:
        if self.horizon < 1 or not 0 < self.top <= 1 or not 0 <= self.slippage < 0.1:
            raise ValueError("a portfolio needs a horizon of 1 or more, a top in (0, 1] and a slippage in [0, 0.1)")
        if not 0 < self.share_of_turnover <= 1:
            raise ValueError("share_of_turnover has to be in (0, 1]")

    @property
    def parts(self) -> int:
        """Parts of the money: h, and two at least, for what is bought today is sold tomorrow at the earliest (T+1)."""
        return max(self.horizon, 2)


@dataclass(frozen=True)
class Curve:
    """The value of a portfolio at each close, beginning with 1 before its first open.

    :param values: (sessions) after all costs.
    :param bought: (sessions) what was paid that day, as a share of the value at the close before.
    :param capacity: (sessions) CNY of capital at which the first order reaches its share of the turnover; NaN without
        an order.
    """

    sessions: tuple[date, ...]
    values: Floats
    bought: Floats
    capacity: Floats

    @property
    def returns(self) -> Floats:
        """Return of each session, as a fraction."""
        return np.asarray(self.values / np.concatenate([[1.0], self.values[:-1]]) - 1)


def top_weights(signals: Floats, top: float) -> Floats:
    """Return sessions × stocks: what share of a session's money each stock gets; all 0 where nothing was said.

    Stocks with equal signals at the cut share what is left of the places, so that no order of names decides.
    """
    weights = np.zeros(signals.shape)
    for row, said in zip(weights, signals, strict=True):
        known = np.flatnonzero(~np.isnan(said))
        if not len(known):
            continue
        places = ceil(round(len(known) * top, 9))
        cut = np.sort(said[known])[-places]
        above, tied = known[said[known] > cut], known[said[known] == cut]
        row[above] = 1 / places
        row[tied] = (places - len(above)) / len(tied) / places
    return weights


def hold(weights: Floats, market: Market, spec: PortfolioSpec) -> Curve:
    """Follow a portfolio from the session after the first answer to the last of the market.

    :param weights: sessions × stocks, of :func:`top_weights`.
    :raises ValueError: there is no answer, or no session after the first.
    """
    said = np.flatnonzero(weights.any(axis=1))
    if not len(said) or said[0] + 1 >= len(weights):
        raise ValueError("no session follows an answer")
    books = _Books(market, spec)
    first = int(said[0]) + 1
    for session in range(first, len(weights)):
        books.trade(session, weights[session - 1])
    return Curve(market.sessions[first:], *(np.array(each) for each in (books.values, books.bought, books.capacity)))


def index_curve(closes: Sequence[float], curve: Curve) -> Floats:
    """Return an index's value at each of a curve's closes, beginning with 1 before its first open.

    :param closes: of the session before the curve's first, and of each of its sessions.
    """
    levels = np.array(closes, dtype=np.float64)
    if len(levels) != len(curve.values) + 1:
        raise ValueError("an index needs a close for each session of the curve, and the one before")
    return np.asarray(levels[1:] / levels[0])


@dataclass(frozen=True)
class IndexLevels:
    """The closes of an index, as far as they are stored.

    :param code: None: of no index a level is stored.
    """

    code: str | None = None
    closes: Mapping[date, float] = field(default_factory=dict)

    def of(self, sessions: Sequence[date]) -> list[float] | None:
        """Return the closes of some sessions; None where one of them is not there."""
        found = [self.closes[day] for day in sessions if day in self.closes]
        return found if found and len(found) == len(sessions) else None

    def note(self, sessions: Sequence[date]) -> str:
        """Say what is compared, or why nothing is."""
        if self.code is None:
            return "No index beside it: no level of one is stored; ingest.indexes says which are fetched."
        missing = [day for day in sessions if day not in self.closes]
        if missing:
            stored = f"{len(missing)} of {len(sessions)} closes of {self.code} are not stored"
            return f"No index beside it: {stored}, the first of {missing[0]}."
        return (
            f"Index: {self.code}, from its close of {sessions[0]}, the evening of the first answer, while portfolio "
            "and market begin with the next open. A price index: dividends are not in it, and no costs are taken."
        )


class _Books:
    """The money and the stocks of a portfolio, in parts that trade in turn.

    :param held: parts × stocks, CNY at the last price: what each part bought when it traded last.
    :param waiting: likewise, of what was to be sold and could not be; it is sold at the first close at which it can.
    """

    def __init__(self, market: Market, spec: PortfolioSpec) -> None:
        self.market, self.spec = market, spec
        self.side = spec.costs.per_side + spec.slippage
        self.cash = np.full(spec.parts, 1 / spec.parts)
        self.held, self.waiting = np.zeros((2, spec.parts, len(market.stocks)))
        self.values: list[float] = []
        self.bought: list[float] = []
        self.capacity: list[float] = []

    def trade(self, session: int, weights: Floats) -> None:
        """Buy at the open, carry to the close, sell at the close."""
        part = session % self.spec.parts
        before = self.values[-1] if self.values else 1.0
        paid = np.where(self.market.buyable[session], weights, 0.0) * self.cash[part]
        self.cash[part] = max(self.cash[part] - paid.sum(), 0.0)
        self._carry(session, part, paid / (1 + self.side))
        self._sell(session)
        self.values.append(float(self.cash.sum() + self.held.sum() + self.waiting.sum()))
        self.bought.append(float(paid.sum()) / before)
        self.capacity.append(self._capacity(session, paid / before))

    def _carry(self, session: int, part: int, new: Floats) -> None:
        close, last = self.market.close[session], self.market.close[session - 1]
        moves = close / np.where(np.isnan(last), close, last)
        self.held, self.waiting = (np.where(each > 0, each * moves, 0.0) for each in (self.held, self.waiting))
        with np.errstate(invalid="ignore"):
            self.held[part] = np.where(new > 0, new * (close / self.market.open[session]), 0.0)

    def _sell(self, session: int) -> None:
        """Sell all that is held by the part that trades next, and all that waits."""
        due = (session + 1) % self.spec.parts
        self.waiting[due] += self.held[due]
        self.held[due] = 0.0
        sold = np.where(self.market.sellable[session], self.waiting, 0.0)
        self.waiting = self.waiting - sold
        self.cash += sold.sum(axis=1) * (1 - self.side - self.market.duty[session])

    def _capacity(self, session: int, shares: Floats) -> float:
        turnover = self.market.turnover[session]
        ordered = (shares > 0) & (turnover > 0)
        if not ordered.any():
            return float("nan")
        return float((self.spec.share_of_turnover * turnover[ordered] / shares[ordered]).min())
