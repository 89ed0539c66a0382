"""Which codes are one stock: an exchange may go on with a stock under another code. Pure: no airflow, HTTP or SQL here.

Rows stay under the code they were traded under. Where rows of a stock are looked at together, before and after a
rename, the newest code stands for the stock, and afterwards each row gets its own code back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import polars as pl

TRADED = "traded_as"
"""The code under which a row was traded, in a frame whose ts_code stands for the stock."""


@dataclass(frozen=True)
class Codes:
    """The renamed codes; without any, every frame stays as it is.

    :param newest: renamed code → newest code of its stock.
    """

    newest: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, renames: pl.DataFrame | None) -> Codes:
        """Read renames, which may follow one another.

        :param renames: ts_code and renamed_to, null where a code was not renamed.
        """
        if renames is None:
            return cls()
        steps = dict(renames.select("ts_code", "renamed_to").drop_nulls().sort("ts_code").iter_rows())
        return cls({code: _last(code, steps) for code in steps if _last(code, steps) != code})

    def stock_of(self, code: str) -> str:
        """Return the newest code of a code's stock."""
        return self.newest.get(code, code)

    def stock(self) -> pl.Expr:
        """Return the newest code of each row's stock, from ``ts_code``."""
        return pl.col("ts_code").replace(dict(self.newest)) if self.newest else pl.col("ts_code")

    def all_of(self, codes: Collection[str]) -> list[str]:
        """Return every code of the stocks that some codes are of, sorted."""
        stocks = {self.stock_of(code) for code in codes}
        return sorted(stocks | {code for code, stock in self.newest.items() if stock in stocks})

    def as_stocks(self, frame: pl.DataFrame, by: str | None = "session") -> pl.DataFrame:
        """Put the newest code of its stock into each row's ts_code, and the row's own code into ``TRADED``.

        :param by: a stock has one row for each of its values: the one of its newest code; None keeps all rows.
        """
        if not self.newest:
            return frame
        named = frame.with_columns(pl.col("ts_code").alias(TRADED), ts_code=self.stock())
        several = named["ts_code"].is_in(list({*self.newest.values()}))
        if by is None or not several.any():
            return named
        mine = named.filter(several).sort((pl.col(TRADED) != pl.col("ts_code")), TRADED, maintain_order=True)
        once = mine.unique(["ts_code", by], keep="first", maintain_order=True)
        return pl.concat([named.filter(~several), once.sort("ts_code", by)])

    def as_traded(self, frame: pl.DataFrame, stocks: pl.DataFrame) -> pl.DataFrame:
        """Give each row of a stock and session the code under which it was traded.

        :param frame: ts_code of the stock, session, and what was made of ``stocks``.
        :param stocks: what ``as_stocks`` made of bars.
        """
        if TRADED not in stocks.columns:
            return frame
        renamed = stocks.filter(pl.col(TRADED) != pl.col("ts_code")).select("ts_code", "session", TRADED)
        joined = frame.drop(TRADED, strict=False).join(
            renamed, on=["ts_code", "session"], how="left", maintain_order="left"
        )
        return joined.with_columns(ts_code=pl.coalesce(TRADED, "ts_code")).drop(TRADED)

    def listed(self, instruments: pl.DataFrame) -> pl.DataFrame:
        """Take each stock once: listed when its first code was, delisted when its newest code is.

        :param instruments: ts_code, list_date, delist_date; further columns are dropped.
        """
        rows = instruments.select("ts_code", "list_date", "delist_date")
        if not self.newest:
            return rows
        ended = pl.col("delist_date").filter(pl.col(TRADED) == pl.col("ts_code")).last()
        rows = rows.with_columns(pl.col("ts_code").alias(TRADED), ts_code=self.stock())
        return rows.group_by("ts_code").agg(pl.col("list_date").min(), ended.alias("delist_date")).sort("ts_code")


UNRENAMED = Codes()
"""No code was renamed, as far as is known."""


def _last(code: str, steps: Mapping[str, str]) -> str:
    """Follow renames to their end; a circle ends where it began."""
    seen = {code}
    while (after := steps.get(code)) is not None and after not in seen:
        seen.add(after)
        code = after
    return code
