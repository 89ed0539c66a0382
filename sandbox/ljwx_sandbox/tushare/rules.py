"""Price limits of the exchanges, in hundredths of a yuan so that rounding half up is exact."""

from __future__ import annotations

from datetime import date

import numpy as np

from ljwx_sandbox.tushare.universe import BSE, CHINEXT, STAR, Ints, Universe

_CHINEXT_20 = date(2020, 8, 24).toordinal()
_MAIN_ST_10 = date(2026, 7, 6).toordinal()
AFTER_HOURS_APART = date(2026, 7, 6).toordinal()
"""From this day vol and amount leave out the after-hours fixed-price trades."""


def limit_percent(universe: Universe, day: int) -> Ints:
    """Return each stock's daily limit in per cent."""
    board = universe.board
    percent = np.full(len(board), 10, dtype=np.int64)
    percent[(board == CHINEXT) & (day >= _CHINEXT_20)] = 20
    percent[board == STAR] = 20
    percent[board == BSE] = 30
    if day < _MAIN_ST_10:
        percent[(board == 0) & universe.is_st(day)] = 5
    if day < _CHINEXT_20:
        percent[(board == CHINEXT) & universe.is_st(day)] = 5
    return percent


def free_sessions(universe: Universe) -> Ints:
    """Return how many sessions from its first a stock has no limit."""
    return np.where(universe.board == BSE, 1, 5).astype(np.int64)


def limit_ticks(pre_close: Ints, percent: Ints) -> tuple[Ints, Ints]:
    """Return the upper and lower limit price, half a tick rounded up."""
    return (pre_close * (100 + percent) + 50) // 100, (pre_close * (100 - percent) + 50) // 100
