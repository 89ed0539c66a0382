"""Facts that a source states itself, such as a price-earnings ratio: their table, and the columns made of its rows.

Pure: nothing here may import airflow, HTTP or SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from ljwx.core.bars.canonical import Capability

KEYS = ("ts_code", "session")
INDUSTRY = "industry"
FEWEST_PEERS = 5
"""Stocks of an industry below which a percentile among them says nothing."""


@dataclass(frozen=True, eq=False)
class FactTable:
    """A table of one row a stock and session, kept as revisions, and what a snapshot gets of it.

    :param name: of the table in schema ljwx.
    :param capability: what a source gives the rows by.
    :param columns: the numbers that are stored.
    :param prepare: makes the columns that facts read. It gets the rows of all stocks in order of stock and session,
        those of `look_back` before the first wanted one too, with the industry as known on each session.
    :param makes: the columns that it makes; facts read no others.
    :param look_back: days of rows that a value may depend on.
    :param about: what the facts are, in words for the documentation.
    :param impossible: what no row can be, by the name of the reason: such a row goes to quarantine.
    """

    name: str
    capability: Capability
    columns: tuple[str, ...]
    prepare: Callable[[pl.DataFrame], pl.DataFrame]
    makes: tuple[str, ...]
    about: str
    look_back: int = 0
    impossible: Mapping[str, pl.Expr] = field(default_factory=dict)

    @property
    def keys(self) -> tuple[str, ...]:
        """What tells a row from another, revisions apart."""
        return ("session", "ts_code")

    @property
    def day(self) -> str:
        """The column of the day that a row belongs to."""
        return "session"

    @property
    def schema(self) -> pl.Schema:
        """The columns in which sources give rows."""
        return pl.Schema({"ts_code": pl.String(), "session": pl.Date()} | dict.fromkeys(self.columns, pl.Float64()))

    def prepared(self, rows: pl.DataFrame, industries: pl.DataFrame | None) -> pl.DataFrame:
        """Return the keys and the columns that facts read, of each row.

        :param rows: columns of :attr:`schema`.
        :param industries: ts_code, industry, start_date, the day on which each was first seen; None: nothing is known.
        """
        rows = with_industry(rows.sort(KEYS), industries)
        return self.prepare(rows).select(*KEYS, *self.makes)


def with_facts(features: pl.DataFrame, prepared: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Add the columns of prepared tables to feature rows; null where a table has no row."""
    for frame in prepared:
        features = features.join(frame, on=KEYS, how="left", maintain_order="left")
    return features


def with_industry(rows: pl.DataFrame, industries: pl.DataFrame | None) -> pl.DataFrame:
    """Add the industry of each stock as it was known on the session; null where it was not."""
    if industries is None or industries.is_empty():
        return rows.with_columns(pl.lit(None, pl.String).alias(INDUSTRY))
    begun = industries.drop_nulls("start_date").sort("start_date").select("ts_code", "start_date", INDUSTRY)
    joined = rows.sort("session").join_asof(
        begun, left_on="session", right_on="start_date", by="ts_code", check_sortedness=False
    )
    return joined.sort(KEYS)


def percentile(column: str, *among: str) -> pl.Expr:
    """Percentile of a column among the rows that are alike in some columns, 1 to 100; null where the value is."""
    value = pl.col(column)
    return (100 * value.rank("average") / value.count()).ceil().over(*among)


def among_peers(column: str) -> pl.Expr:
    """Percentile of a column among the stocks of the session and industry; null where there are few, or none known."""
    enough = pl.col(column).count().over("session", INDUSTRY) >= FEWEST_PEERS
    return pl.when(pl.col(INDUSTRY).is_not_null() & enough).then(percentile(column, "session", INDUSTRY))


def among_own(rows: pl.DataFrame, column: str, days: int, fewest: int) -> pl.Series:
    """Percentile of each value among the stock's own of some days up to it, 1 to 100.

    :param rows: sorted by stock and session.
    :param fewest: values that there must be; else null.
    """
    stock, day = rows["ts_code"].rle_id().to_numpy(), rows["session"].to_physical().to_numpy()
    values = rows[column].cast(pl.Float64).fill_null(np.nan).to_numpy()
    below, count = np.where(np.isnan(values), np.nan, 0.5), np.where(np.isnan(values), 0, 1)
    for back in range(1, days):
        inside = (stock[back:] == stock[:-back]) & (day[back:] - day[:-back] < days)
        if not inside.any():
            break
        was, is_now = values[:-back], values[back:]
        known = inside & ~np.isnan(was) & ~np.isnan(is_now)
        below[back:] += np.where(known, np.where(was < is_now, 1.0, np.where(was == is_now, 0.5, 0.0)), 0.0)
        count[back:] += known
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.where(count >= fewest, np.ceil(100 * (below + 0.5) / np.maximum(count, 1)), np.nan)
    return pl.Series(shares, nan_to_null=True)
