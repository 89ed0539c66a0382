"""What all stocks of a session did together, from the bars and features that are there.

Pure: nothing here may import airflow, HTTP or SQL. The market is the plain mean of the stocks that the warehouse has,
and no index: a large company counts as much as a small one. A stock's first bar, which has no return, does not count.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from ljwx.core.bars.limits import TICK
from ljwx.core.features.group import Across
from ljwx.core.features.tables import FEWEST_PEERS
from ljwx.core.features.windows import TIE

_SESSION: Final = "session"
_INDUSTRY: Final = (_SESSION, "industry")
_CHANGE: Final = pl.when(pl.col("ret_1").is_not_null()).then(pl.col("close") / pl.col("pre_close") - 1)
_HALF: Final = TICK / 2


def _mean(value: pl.Expr) -> pl.Expr:
    return value.mean().over(_SESSION)


def _rising() -> pl.Expr:
    """Fraction; a null change is neither, and counts in no share."""
    return _mean(pl.when(_CHANGE.is_not_null()).then((_CHANGE > TIE).cast(pl.Float64)))


def _at_limit(limit: str) -> pl.Expr:
    """Fraction of the stocks that have a limit and closed at it; null where the source gives none."""
    above = pl.col("close") > pl.col(limit) - _HALF
    reached = above if limit == "up_limit" else pl.col("close") < pl.col(limit) + _HALF
    return _mean(reached.cast(pl.Float64))


def _against_market(value: pl.Expr) -> pl.Expr:
    enough = pl.col("industry").is_not_null() & (value.count().over(_INDUSTRY) >= FEWEST_PEERS)
    return pl.when(enough).then(value.mean().over(_INDUSTRY) - _mean(value))


ACROSS: Final = (
    Across("market_1", _mean(_CHANGE), "mean of close / pre_close - 1"),
    *(Across(f"market_{n}", _mean(pl.col(f"ret_{n}")), f"mean of ret_{n}") for n in (5, 20)),
    Across("rising", _rising(), "share of the stocks that closed above pre_close"),
    Across("limit_ups", _at_limit("up_limit"), "share of those with limits that closed at up_limit"),
    Across("limit_downs", _at_limit("down_limit"), "share of those with limits that closed at down_limit"),
    Across(
        "industry_1",
        _against_market(_CHANGE),
        f"the industry's mean less the market's, of close / pre_close - 1; null with fewer than {FEWEST_PEERS} "
        "stocks, and where industries are not told",
        by_industry=True,
    ),
    Across("industry_5", _against_market(pl.col("ret_5")), "the same of ret_5", by_industry=True),
)
"""Each column; fractions."""
