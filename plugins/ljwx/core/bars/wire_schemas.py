"""Rows of the interfaces beside `daily` that cannot be used. Pure: nothing here may import airflow, HTTP or SQL.

What they say is joined to bars or kept as reference data; a row that says nothing usable would vanish there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import polars as pl

from ljwx.core.bars.frame import RAW, as_number, session_of
from ljwx.core.bars.validation import QUARANTINE


@dataclass(frozen=True)
class WireSchema:
    """What an interface's rows must be.

    :param keys: columns that are there.
    :param dates: columns that are a date or null.
    :param numbers: columns that are a number or null.
    :param kinds: column → the values it can have.
    :param once: whether two rows with the same keys contradict each other.
    :param stock: the column that names the stock a refused row is kept for; None where it is no stock's own.
    """

    keys: tuple[str, ...]
    dates: tuple[str, ...]
    numbers: tuple[str, ...] = ()
    kinds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    once: bool = False
    stock: str | None = "ts_code"


DAILY_KEYS = ("ts_code", "trade_date")
WIRE_SCHEMAS: Mapping[str, WireSchema] = {
    "adj_factor": WireSchema(DAILY_KEYS, ("trade_date",), ("adj_factor",), once=True),
    "stk_limit": WireSchema(DAILY_KEYS, ("trade_date",), ("up_limit", "down_limit"), once=True),
    "suspend_d": WireSchema((*DAILY_KEYS, "suspend_type"), ("trade_date",), kinds={"suspend_type": ("S", "R")}),
    "stock_basic": WireSchema(("ts_code",), ("list_date", "delist_date")),
    "index_weight": WireSchema(
        ("index_code", "con_code", "trade_date"), ("trade_date",), ("weight",), once=True, stock=None
    ),
    "namechange": WireSchema(("ts_code", "name", "start_date"), ("start_date", "end_date", "ann_date")),
}


def split_valid(
    api_name: str,
    wire: pl.DataFrame,
    days: Collection[str] | None = None,
    kinds: Mapping[str, tuple[str, ...]] | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part an interface's rows into those to go on with, equal copies once, and those to refuse.

    :param api_name: one of ``SIDES``.
    :param wire: wire frame.
    :param days: the days (YYYYMMDD) that were asked for; None where it was not days.
    :param kinds: what else was asked for, like the interface's own ``kinds``.
    :return: the usable rows as they came; and ts_code, session (null where the row names none), reasons, raw of the
        others. A reason is ``<interface>:keys``, ``:type``, ``:kind``, ``:day`` (not asked for) or ``:duplicate``.
    """
    side = WIRE_SCHEMAS[api_name]
    columns = [name for name in wire.columns if name != RAW]
    repeated = wire.n_unique(side.keys) < wire.height
    rows = wire.unique(maintain_order=True) if repeated else wire
    broken = {
        "keys": pl.any_horizontal(pl.col(name).is_null() for name in side.keys),
        "type": _mistyped(wire, side),
        "kind": _none_of({**side.kinds, **(kinds or {})}),
        "day": pl.lit(False) if days is None else ~pl.col("trade_date").is_in(list(days)),
        "duplicate": pl.struct(side.keys).is_duplicated() if repeated and side.once else pl.lit(False),
    }
    named = [pl.when(wrong).then(pl.lit(f"{api_name}:{name}")) for name, wrong in broken.items()]
    rows = rows.with_columns(pl.concat_list(named).list.drop_nulls().alias("reasons"))
    wrong = pl.col("reasons").list.len() > 0
    told = pl.struct(columns).struct.json_encode()
    refused = rows.filter(wrong).select(
        (pl.col(side.stock) if side.stock else pl.lit(None)).cast(pl.String).alias("ts_code"),
        (session_of("trade_date") if "trade_date" in columns else pl.lit(None, dtype=pl.Date)).alias("session"),
        "reasons",
        (pl.coalesce(RAW, told) if RAW in wire.columns else told).alias("raw"),
    )
    return rows.filter(~wrong).select(columns), refused.cast(QUARANTINE)


def _mistyped(wire: pl.DataFrame, side: WireSchema) -> pl.Expr:
    lost = [session_of(name).is_null() & pl.col(name).is_not_null() for name in side.dates]
    lost += [as_number(name).is_null() & pl.col(name).is_not_null() for name in side.numbers]
    if RAW in wire.columns:
        lost.append(pl.col(RAW).is_not_null())
    return pl.any_horizontal(lost)


def _none_of(kinds: Mapping[str, tuple[str, ...]]) -> pl.Expr:
    strange = [pl.col(name).is_not_null() & ~pl.col(name).is_in(list(values)) for name, values in kinds.items()]
    return pl.any_horizontal(strange) if strange else pl.lit(False)
