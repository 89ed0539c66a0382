"""The shape of bars, and how the wire's frames become it. Pure: nothing here may import airflow, HTTP or SQL."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

KEYS = ("ts_code", "session")
VALUES = ("open", "high", "low", "close", "pre_close", "vol", "amount", "ah_vol", "ah_amount")
JOINED = ("adj_factor", "up_limit", "down_limit")

BARS = pl.Schema(
    {"ts_code": pl.String(), "session": pl.Date()}
    | dict.fromkeys((*VALUES, *JOINED), pl.Float64())
    | {"flags": pl.List(pl.String())}
)
"""Columns of a bars frame: raw prices in CNY, vol in lots of 100, amount in thousand CNY."""

CLAIMS = ("change", "pct_chg")
"""What the source says about a bar and ``check`` verifies; not stored."""

WIRE_NUMBERS = frozenset({*VALUES, *JOINED, *CLAIMS, "weight"})
"""Columns of the wire that hold numbers."""

RAW = "raw"
"""In a wire frame: the row as JSON where the wire had something else than a number in one of ``NUMBERS``."""

UNREFERENCED = "unreferenced"
"""Why a source that derives pre_close could not derive a row's; null where it could. Not stored."""


def session_of(column: str) -> pl.Expr:
    """Turn the wire's YYYYMMDD strings into dates; what is not a date becomes null."""
    return pl.col(column).cast(pl.String).str.strptime(pl.Date, "%Y%m%d", strict=False)


def as_number(name: str) -> pl.Expr:
    """Turn a wire column into numbers; what is none becomes null."""
    return pl.col(name).cast(pl.Float64, strict=False)


def assemble(daily: pl.DataFrame, factors: pl.DataFrame | None, limits: pl.DataFrame | None) -> pl.DataFrame:
    """Join what TuShare's daily, adj_factor and stk_limit answered into one frame, for any number of sessions.

    Values are kept as they came. Each row of ``daily`` gives exactly one row. A factor or a limit whose key comes
    twice with different values cannot be believed and stays null.

    :param daily: wire frame; further columns are ignored, missing optional ones (ah_vol, ah_amount, change …) are null.
    :param factors: wire frame with adj_factor, or None where the tier does not carry it.
    :param limits: wire frame with up_limit and down_limit, or None.
    :return: the columns of ``BARS``, then change and pct_chg as claimed, ``unreferenced``, and ``raw``: the wire's row
        as JSON where a value was not of its type and became null. Sorted by ts_code and session. ``check`` takes this
        frame.
    """
    wanted = (*VALUES, *CLAIMS)
    underived = _text(UNREFERENCED) if UNREFERENCED in daily.columns else pl.lit(None, dtype=pl.String)
    frame = daily.select(
        _text("ts_code"),
        session_of("trade_date").alias("session"),
        *_numbers(daily, wanted),
        underived.alias(UNREFERENCED),
        _raw(daily, wanted),
    )
    frame = _joined(frame, factors, JOINED[:1])
    frame = _joined(frame, limits, JOINED[1:])
    empty = pl.lit(None, dtype=pl.List(pl.String)).fill_null([]).alias("flags")
    return frame.with_columns(empty).select(*BARS.names(), *CLAIMS, UNREFERENCED, "raw").sort(KEYS, nulls_last=True)


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


def _text(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String)


def _numbers(wire: pl.DataFrame, names: Sequence[str]) -> list[pl.Expr]:
    return [
        as_number(name).alias(name) if name in wire.columns else pl.lit(None, dtype=pl.Float64).alias(name)
        for name in names
    ]


def _raw(wire: pl.DataFrame, names: Sequence[str]) -> pl.Expr:
    columns = [name for name in wire.columns if name != RAW]
    lost = [pl.col(name).is_not_null() & as_number(name).is_null() for name in names if name in columns]
    lost.append(session_of("trade_date").is_null())
    told = pl.when(pl.any_horizontal(lost)).then(pl.struct(columns).struct.json_encode())
    return (pl.coalesce(RAW, told) if RAW in wire.columns else told).alias("raw")


def _joined(frame: pl.DataFrame, wire: pl.DataFrame | None, names: Sequence[str]) -> pl.DataFrame:
    if wire is None:
        return frame.with_columns(pl.lit(None, dtype=pl.Float64).alias(name) for name in names)
    side = wire.select(_text("ts_code"), session_of("trade_date").alias("session"), *_numbers(wire, names))
    if side.select(pl.struct(KEYS).is_duplicated().any()).item():
        side = side.unique().filter(pl.struct(KEYS).is_unique())
    return frame.join(side, on=KEYS, how="left", maintain_order="left")
