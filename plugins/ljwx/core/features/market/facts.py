"""The numbers and words that a snapshot holds of the market and the stock's industry.

Pure: nothing here may import airflow, HTTP or SQL.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from ljwx.core.features.citable import Citable, cite
from ljwx.core.features.facts import Fact, Said, percent
from ljwx.core.features.signals import Signal, State, above, below

_MOVE: Final = Said("percent", "move")
_SHARE: Final = Said("percent")


def _fact(name: str, column: str, said: Said, *names: str, required: bool = True) -> Fact:
    return Fact("market", name, percent(pl.col(column)), 1, names, required, said)


FACTS: Final = (
    *(_fact(f"ret_{n}", f"market_{n}", _MOVE, f"市场{n}日") for n in (1, 5, 20)),
    _fact("rising", "rising", _SHARE, "上涨家数占比"),
    _fact("limit_ups", "limit_ups", _SHARE, "涨停家数占比", required=False),
    _fact("limit_downs", "limit_downs", _SHARE, "跌停家数占比", required=False),
    *(_fact(f"industry_{n}", f"industry_{n}", _MOVE, f"行业{n}日超额", required=False) for n in (1, 5)),
)
"""Percent; of an industry, percentage points above the market."""

BREADTH: Final = Signal(
    "breadth",
    "市场宽度",
    "share of stocks that rose",
    (above("rising", 0.7, "普涨", "broad rise"), below("rising", 0.3, "普跌", "broad fall"), State("分化", "mixed")),
    required=False,
)
SECTOR: Final = Signal(
    "sector",
    "所属行业",
    "industry against the market on the session",
    (
        above("industry_1", 0.005, "领涨", "ahead"),
        below("industry_1", -0.005, "落后", "behind"),
        State("随市", "level"),
    ),
    required=False,
)
SIGNALS: Final = (BREADTH, SECTOR)


def _lines() -> tuple[Citable, ...]:
    fact, kind = {each.name: each for each in FACTS}, "market"
    moves = (
        cite(kind, fact[f"ret_{n}"], key=f"mkt{n}", name=f"全体股票{n}日平均", english=f"{n}-day mean of all stocks")
        for n in (1, 5, 20)
    )
    return (
        *moves,
        cite(kind, fact["rising"], BREADTH, key="breadth", english="share of rising stocks"),
        cite(kind, fact["limit_ups"], key="limit_ups", english="share at the up limit"),
        cite(kind, fact["limit_downs"], key="limit_downs", english="share at the down limit"),
        cite(kind, fact["industry_1"], SECTOR, key="industry", name="行业当日相对全体", english="industry, 1 day"),
        cite(kind, fact["industry_5"], key="industry5", name="行业5日相对全体", english="industry, 5 days"),
    )


CITABLE: Final = _lines()
"""Each line, in the order in which a prompt tells them."""
