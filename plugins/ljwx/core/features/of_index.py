"""Daily levels of indexes: their table, and what a snapshot gets of one of them.

Pure: nothing here may import airflow, HTTP or SQL. The levels are of price indexes: dividends are not in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import polars as pl

from ljwx.core.bars.canonical import Capability
from ljwx.core.features.tables import KEYS, FactTable

BENCHMARK: Final = "000300.SH"
"""The CSI 300."""
PERIODS: Final = (1, 5, 20)
_SLACK: Final = 1e-4
"""By which high and low may miss the other prices, and a stated change the one of the closes: what is rounded."""


@dataclass(frozen=True, eq=False)
class IndexTable(FactTable):
    """A table of one row an index and session; `ts_code` is the index's, as TuShare writes it.

    Its `prepare` gets a row for each session of the exchange, in their order, null where the index has none.

    :param code: of the one index that is meant.
    """

    code: str = BENCHMARK

    def as_of(self, rows: pl.DataFrame, sessions: Sequence[date], keys: pl.DataFrame) -> pl.DataFrame:
        """Return the columns that facts read, of each stock and session: what the index did up to it.

        :param rows: columns of :attr:`schema`; those of other indexes do not count.
        :param sessions: all of the exchange from `look_back` days before the first wanted one, sorted.
        :param keys: the wanted ts_code and session.
        """
        days = pl.DataFrame({"session": sessions}, schema={"session": pl.Date})
        own = rows.filter(pl.col("ts_code") == self.code).drop("ts_code")
        levels = days.join(own, on="session", how="left", maintain_order="left")
        made = self.prepare(levels).select("session", *self.makes)
        return keys.select(KEYS).join(made, on="session", how="left", maintain_order="left")


def _prepare(levels: pl.DataFrame) -> pl.DataFrame:
    """Of one session `pre_close` tells the move, of more of them the closes."""
    close = pl.col("close")
    since = {n: close / close.shift(n) - 1 for n in PERIODS}
    moved = {**since, 1: pl.coalesce(close / pl.col("pre_close") - 1, since[1])}
    return levels.with_columns((100 * value).alias(f"index_{n}") for n, value in moved.items())


def _outside() -> pl.Expr:
    most, least = pl.max_horizontal("open", "close"), pl.min_horizontal("open", "close")
    return (pl.col("high") < most * (1 - _SLACK)) | (pl.col("low") > least * (1 + _SLACK))


TABLE: Final = IndexTable(
    name="index_bars",
    capability=Capability.INDEXES,
    columns=("open", "high", "low", "close", "pre_close"),
    prepare=_prepare,
    makes=tuple(f"index_{n}" for n in PERIODS),
    about=(
        f"Of these the CSI 300 ({BENCHMARK}) alone: its close against that of 1, 5 and 20 sessions before, in percent. "
        "It is a price index, without dividends; null where a close is not there."
    ),
    look_back=60,
    impossible={
        "close": pl.col("close").is_null(),
        "price": pl.any_horizontal(pl.col(name) <= 0 for name in ("open", "high", "low", "close", "pre_close")),
        "range": _outside(),
        "pct_chg": (pl.col("pct_chg") - 100 * (pl.col("close") / pl.col("pre_close") - 1)).abs() > 100 * _SLACK,
    },
)
"""In points; `pre_close` is null where the source gives none. Sources also say `pct_chg`, which is not stored."""


def index_table(code: str) -> IndexTable:
    """Return the table as that of one index."""
    return replace(TABLE, code=code)
