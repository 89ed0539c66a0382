"""The shape of bars, and how fetched frames become it. Pure: nothing here may import airflow, HTTP or SQL."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from ljwx.core.bars.canonical import CLAIMS, QUOTES, RAW, UNREFERENCED

KEYS = ("ts_code", "session")
JOINED = ("adj_factor", "up_limit", "down_limit")

BARS = pl.Schema(
    {"ts_code": pl.String(), "session": pl.Date()}
    | dict.fromkeys((*QUOTES, *JOINED), pl.Float64())
    | {"flags": pl.List(pl.String())}
)
"""Columns of a bars frame: raw prices in CNY, vol in lots of 100, amount in thousand CNY."""


def assemble(fetched: pl.DataFrame, factors: pl.DataFrame | None, limits: pl.DataFrame | None) -> pl.DataFrame:
    """Join bars with factors and limits, for any number of sessions.

    Values are kept as they came. Each fetched row gives exactly one row. A factor or a limit whose key comes twice with
    different values cannot be believed and stays null.

    :param fetched: columns of ``FETCHED_BARS``.
    :param factors: columns of ``FACTORS``, or None where the source has none.
    :param limits: columns of ``LIMITS``, or None.
    :return: the columns of ``BARS``, then the other fetched ones. Sorted by ts_code and session. ``check`` takes this
        frame.
    """
    frame = _joined(fetched, factors, JOINED[:1])
    frame = _joined(frame, limits, JOINED[1:])
    empty = pl.lit(None, dtype=pl.List(pl.String)).fill_null([]).alias("flags")
    return frame.with_columns(empty).select(*BARS.names(), *CLAIMS, UNREFERENCED, RAW).sort(KEYS, nulls_last=True)


def chain_factors(bars: pl.DataFrame) -> pl.DataFrame:
    """Fill adj_factor from the bars alone: ``adj = adj' * close' / pre_close``, for a tier without adj_factor.

    pre_close is the ex-right reference price, so that the quotient is 1 except on ex-right days. A stock's first bar
    has the factor 1. A bar that is missing or in quarantine, rather than suspended, would be taken for an ex-right:
    give gapless histories only. Factors so chained differ from TuShare's by one constant per stock, which no feature
    depends on.

    :param bars: ts_code, session, close, pre_close and whatever else; positive prices.
    :return: ``bars`` sorted by ts_code and session, with adj_factor replaced.
    """
    step = (pl.col("close").shift(1).over("ts_code") / pl.col("pre_close")).fill_null(1.0)
    return bars.sort(KEYS).with_columns(adj_factor=step.cum_prod().over("ts_code"))


def _joined(frame: pl.DataFrame, values: pl.DataFrame | None, names: Sequence[str]) -> pl.DataFrame:
    if values is None:
        return frame.with_columns(pl.lit(None, dtype=pl.Float64).alias(name) for name in names)
    joined = values.select(*KEYS, *names)
    if joined.select(pl.struct(KEYS).is_duplicated().any()).item():
        joined = joined.unique().filter(pl.struct(KEYS).is_unique())
    return frame.join(joined, on=KEYS, how="left", maintain_order="left")
