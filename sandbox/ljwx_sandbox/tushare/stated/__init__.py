"""What TuShare states of a stock beside its bar: daily_basic's ratios and moneyflow's orders, in its units."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from ljwx_sandbox.tushare.universe import Floats, Ints
from ljwx_sandbox.tushare.year import Chunk

_SIZES = {"sm": (-1.0, 0.5), "md": (-1.0, 0.5), "lg": (1.0, 0.7), "elg": (1.0, 0.3)}
"""Of each size of order: whether it is large, and its share of its side."""


class Cells(Protocol):
    """Some stock-sessions of a year."""

    @property
    def chunk(self) -> Chunk:
        """The year."""

    @property
    def session(self) -> Ints:
        """Places of the sessions."""

    @property
    def stock(self) -> Ints:
        """Places of the stocks."""

    def take(self, name: str) -> Floats:
        """Return an array's values at the cells."""

    def fixed(self, name: str) -> Floats:
        """Return what does not change with the session."""


def as_numbers(values: Floats, digits: int | None = None) -> list[object]:
    """Turn an array into JSON numbers; NaN is null."""
    rounded = values if digits is None else np.round(values, digits)
    found: list[object] = rounded.tolist()
    if np.isnan(values).any():
        found = [None if each != each else each for each in found]
    return found


def _value(cells: Cells) -> Floats:
    return cells.take("close") / 100 * cells.take("total_share")


def _ratio(name: str, digits: int = 4) -> Callable[[Cells], list[object]]:
    """Market value over a yearly figure of the company; null where the company makes a loss."""

    def column(cells: Cells) -> list[object]:
        below = cells.fixed(name)
        return as_numbers(np.where(below > 0, _value(cells) / np.where(below > 0, below, 1.0), np.nan), digits)

    return column


def _shares(part: float | None) -> Callable[[Cells], list[object]]:
    """Shares in units of 10,000: all, floating, or the free part of the float."""
    return lambda cells: as_numbers(_share_count(cells, part) / 1e4, 4)


def _share_count(cells: Cells, part: float | None) -> Floats:
    total = cells.take("total_share")
    return total if part is None else total * cells.fixed("float_part") * part


def _turnover(part: float) -> Callable[[Cells], list[object]]:
    return lambda cells: as_numbers(cells.take("lots") * 100 / _share_count(cells, part) * 100, 4)


def _dividend_yield(cells: Cells) -> list[object]:
    paid = cells.fixed("dividend")
    return as_numbers(np.where(paid > 0, paid / _value(cells) * 100, np.nan), 4)


def _unsteady(cells: Cells, salt: float) -> Floats:
    """Return a number from 0 to 1 that follows from stock, day and salt."""
    days = np.array(cells.chunk.days, dtype=np.float64)[cells.session]
    mixed: Floats = np.modf(np.abs(np.sin(cells.stock * 12.9898 + days * 78.233 + salt) * 43758.5453))[0]
    return mixed


def _ordered(side: float, size: str) -> Callable[[Cells], Floats]:
    """What orders of a size bought (side 1) or sold (side -1), in CNY: large ones lean towards the day's move."""
    is_large, share = _SIZES[size]

    def values(cells: Cells) -> Floats:
        moved = cells.take("close") / cells.take("pre_close") - 1
        balance = np.clip(0.2 * (_unsteady(cells, 1.0) - 0.5) + moved, -0.2, 0.2)
        large = 0.25 + 0.1 * _unsteady(cells, 2.0) + side * balance / 2
        found: Floats = cells.take("amount") * share * (large if is_large > 0 else 1 - large)
        return found

    return values


def _amount(side: float, size: str) -> Callable[[Cells], list[object]]:
    return lambda cells: as_numbers(_ordered(side, size)(cells) / 1e4, 2)


def _lots(side: float, size: str) -> Callable[[Cells], list[object]]:
    return lambda cells: as_numbers(_ordered(side, size)(cells) / cells.take("close"), 0)


Column = Callable[[Cells], list[object]]


def _net(column: Callable[[float, str], Column], digits: int) -> Column:
    def values(cells: Cells) -> list[object]:
        sides = [np.array([column(side, size)(cells) for size in ("lg", "elg")], dtype=np.float64) for side in (1, -1)]
        return as_numbers(sides[0].sum(axis=0) - sides[1].sum(axis=0), digits)

    return values


STATED: dict[str, Callable[[Cells], list[object]]] = {
    "turnover_rate": _turnover(1.0),
    "turnover_rate_f": _turnover(0.6),
    "volume_ratio": lambda cells: as_numbers(cells.take("volume_ratio"), 2),
    "pe": _ratio("earnings"),
    "pe_ttm": _ratio("earnings"),
    "pb": _ratio("book"),
    "ps": _ratio("sales"),
    "ps_ttm": _ratio("sales"),
    "dv_ratio": _dividend_yield,
    "dv_ttm": _dividend_yield,
    "total_share": _shares(None),
    "float_share": _shares(1.0),
    "free_share": _shares(0.6),
    "total_mv": lambda cells: as_numbers(_value(cells) / 1e4, 4),
    "circ_mv": lambda cells: as_numbers(cells.take("close") / 100 * _share_count(cells, 1.0) / 1e4, 4),
    **{f"{name}_{size}_amount": _amount(side, size) for name, side in (("buy", 1), ("sell", -1)) for size in _SIZES},
    **{f"{name}_{size}_vol": _lots(side, size) for name, side in (("buy", 1), ("sell", -1)) for size in _SIZES},
    "net_mf_amount": _net(_amount, 2),
    "net_mf_vol": _net(_lots, 0),
}
"""Each column of daily_basic and moneyflow; values in 10,000 CNY, shares in 10,000, volumes in lots of 100."""
