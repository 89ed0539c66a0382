"""What TuShare says wrongly of suspensions: `suspend_d` names a stock that trades, `daily` has a row of one that rests.

Such a row repeats the one before, or has the last close for every price and no volume.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from zlib import crc32

import numpy as np

from ljwx_sandbox.tushare.daybook import RESUMED, SUSPENDED, TRADING
from ljwx_sandbox.tushare.interfaces import Block
from ljwx_sandbox.tushare.universe import Ints
from ljwx_sandbox.tushare.year import Bools, Chunk

_AT_CLOSE = frozenset({"open", "high", "low", "close", "pre_close"})
_NOTHING = frozenset({"vol", "amount", "change", "pct_chg", "ah_vol", "ah_amount"})


@dataclass(frozen=True)
class RestingRows:
    """Rows of stocks that rest: copies of their last traded row, some of them flat and without volume.

    :param traded: the rows that are copied.
    :param stock: the place of each row's stock; ``session``: the index of the session that it says it is of.
    """

    traded: Block
    chunk: Chunk
    stock: Ints
    session: Ints

    @property
    def size(self) -> int:
        """How many rows there are."""
        return self.traded.size

    def column(self, name: str, lo: int, hi: int) -> Sequence[object]:
        """Return rows `lo` to `hi` of a column."""
        days = [self.chunk.days[at] for at in self.session[lo:hi].tolist()]
        if name == "trade_date":
            return [date.fromordinal(day).strftime("%Y%m%d") for day in days]
        values = list(self.traded.column(name, lo, hi))
        flat = [_is_flat(day, stock) for day, stock in zip(days, self.stock[lo:hi].tolist(), strict=True)]
        if name in _NOTHING:
            return [0.0 if each else value for each, value in zip(flat, values, strict=True)]
        if name in _AT_CLOSE:
            closes = self.traded.column("close", lo, hi)
            return [close if each else value for each, value, close in zip(flat, values, closes, strict=True)]
        return values


def odd(chunk: Chunk, sessions: Ints, stocks: Ints, share: float) -> Bools:
    """Say which of a year's cells the source is wrong about; it depends on the day and the stock's place alone."""
    chosen = [[_draw(chunk.days[at], stock) < share for stock in stocks.tolist()] for at in sessions.tolist()]
    return np.array(chosen, dtype=np.bool_).reshape(len(sessions), len(stocks))


def resting(chunk: Chunk, sessions: Ints, stocks: Ints) -> Bools:
    """Say which cells are those of suspended stocks."""
    rests: Bools = chunk.status[np.ix_(sessions, stocks)] == SUSPENDED
    return rests


def last_traded(chunk: Chunk, sessions: Ints, stocks: Ints) -> Ints:
    """Return the index of each cell's last session of the year with trade; -1 where there is none."""
    traded = np.isin(chunk.status, (TRADING, RESUMED))
    cells = zip(sessions.tolist(), stocks.tolist(), strict=True)
    return np.array([max(np.flatnonzero(traded[:at, stock]), default=-1) for at, stock in cells], dtype=np.int64)


def _draw(day: int, stock: int) -> float:
    return crc32(f"{day} {stock}".encode()) % 10_000 / 10_000


def _is_flat(day: int, stock: int) -> bool:
    return crc32(f"{stock} {day}".encode()) >> 20 & 1 == 0
