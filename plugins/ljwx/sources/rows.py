"""From a server's tables to frames: values of their columns' types, rows that can be used, and rows that cannot.

A table is rows of JSON values under the names the server gives them. Nothing is lost on the way: a row with a value
that is not of its column's type keeps itself as JSON.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from ljwx.core.bars import CLAIMS, JOINED, QUARANTINE, QUOTES, RAW, UNREFERENCED, as_json

_FACTS = (
    "pe_ttm", "pb", "ps_ttm", "turnover_rate", "circ_mv", "buy_sm_amount", "buy_md_amount", "buy_lg_amount",
    "buy_elg_amount", "sell_lg_amount", "sell_elg_amount", "roe", "or_yoy", "netprofit_yoy", "diluted_roe", "yoy_sales",
    "yoy_dedu_np", "p_change_min", "p_change_max",
)  # fmt: skip
NUMBERS = frozenset({*QUOTES, *JOINED, *CLAIMS, *_FACTS, "weight"})
"""Columns that hold numbers, whichever table they are in; all others hold text."""

LARGEST = 2**53
"""Up to here a float holds every whole number."""


@dataclass(frozen=True)
class Table:
    """Rows as they came: null is None, NaN is NaN, dates are strings.

    :param fields: column names, in the order of each row.
    :param api_name: where the rows are from, for messages.
    """

    fields: tuple[str, ...]
    rows: list[list[Any]]
    api_name: str = ""

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class WireSchema:
    """What the rows of a table must be.

    :param name: what reasons begin with.
    :param keys: columns that are there.
    :param dates: columns that are a date (YYYYMMDD) or null.
    :param numbers: columns that are a number or null.
    :param kinds: column → the values it can have.
    :param once: whether two rows with the same keys contradict each other.
    :param stock: the column that names the stock a rejected row is kept for; None where it is no stock's own.
    """

    name: str
    keys: tuple[str, ...]
    dates: tuple[str, ...]
    numbers: tuple[str, ...] = ()
    kinds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    once: bool = False
    stock: str | None = "ts_code"


def stacked(tables: Sequence[Table]) -> Table:
    """Put tables of the same columns, at least one, under each other."""
    first = tables[0]
    return Table(first.fields, [row for table in tables for row in table.rows], first.api_name)


def wire_frame(table: Table) -> pl.DataFrame:
    """Turn a table into a frame that has all it said.

    Columns of numbers hold what came as a JSON number, null for the rest: of such a row the column ``raw`` keeps what
    came. Another column whose values are of several types becomes text.
    """
    columns: list[pl.Series] = []
    raws: list[str | None] = [None] * len(table)
    for at, name in enumerate(table.fields):
        values = [row[at] for row in table.rows]
        if name not in NUMBERS:
            columns.append(pl.Series(name, [None if v is None else str(v) for v in values], dtype=pl.String))
            continue
        if not {type(value) for value in values} <= {float, type(None)}:
            for number, value in enumerate(values):
                if value is not None and not _is_number(value):
                    raws[number], values[number] = _as_it_came(table, number), None
        columns.append(pl.Series(name, values, dtype=pl.Float64, strict=False))
    return pl.DataFrame([*columns, pl.Series(RAW, raws, dtype=pl.String)])


def _is_number(value: object) -> bool:
    """Say whether JSON had a number here that a float holds."""
    return type(value) is float or (type(value) is int and abs(value) < LARGEST)


def _as_it_came(table: Table, number: int) -> str:
    return as_json(dict(zip(table.fields, table.rows[number], strict=True)))


def as_date(column: str) -> pl.Expr:
    """Turn YYYYMMDD strings into dates; what is not a date becomes null."""
    return pl.col(column).cast(pl.String).str.strptime(pl.Date, "%Y%m%d", strict=False)


def as_number(name: str) -> pl.Expr:
    """Turn a column into numbers; what is none becomes null."""
    return pl.col(name).cast(pl.Float64, strict=False)


def fetched_bars(wire: pl.DataFrame) -> pl.DataFrame:
    """Turn a frame of bars into the columns of ``FETCHED_BARS``, row by row: the rules of bars look at each.

    :param wire: ts_code and trade_date (YYYYMMDD); values in the canonical units under the canonical names, those that
        the source does not give may be missing; further columns are ignored.
    """
    wanted = (*QUOTES, *CLAIMS)
    underived = _text(UNREFERENCED) if UNREFERENCED in wire.columns else pl.lit(None, dtype=pl.String)
    return wire.select(
        _text("ts_code"),
        as_date("trade_date").alias("session"),
        *(
            as_number(name).alias(name) if name in wire.columns else pl.lit(None, dtype=pl.Float64).alias(name)
            for name in wanted
        ),
        underived.alias(UNREFERENCED),
        _raw(wire, wanted),
    )


def _text(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String)


def _raw(wire: pl.DataFrame, names: Sequence[str]) -> pl.Expr:
    columns = [name for name in wire.columns if name != RAW]
    lost = [pl.col(name).is_not_null() & as_number(name).is_null() for name in names if name in columns]
    lost.append(as_date("trade_date").is_null())
    row = pl.when(pl.any_horizontal(lost)).then(pl.struct(columns).struct.json_encode())
    return (pl.coalesce(RAW, row) if RAW in wire.columns else row).alias(RAW)


def split_valid(
    schema: WireSchema,
    wire: pl.DataFrame,
    days: Collection[str] | None = None,
    kinds: Mapping[str, tuple[str, ...]] | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split a table's rows into those that can be used, equal copies once, and those that cannot.

    :param wire: what ``wire_frame`` made.
    :param days: the days (YYYYMMDD) that were asked for; None where it was not days.
    :param kinds: what else was asked for, like the schema's own ``kinds``.
    :return: the usable rows as they came; and ts_code, session (null where the row names none), reasons, raw of the
        others. A reason is ``<table>:keys``, ``:type``, ``:kind``, ``:day`` (not asked for) or ``:duplicate``.
    """
    columns = [name for name in wire.columns if name != RAW]
    repeated = wire.n_unique(schema.keys) < wire.height
    rows = wire.unique(maintain_order=True) if repeated else wire
    broken = {
        "keys": pl.any_horizontal(pl.col(name).is_null() for name in schema.keys),
        "type": _mistyped(wire, schema),
        "kind": _none_of({**schema.kinds, **(kinds or {})}),
        "day": pl.lit(False) if days is None else ~pl.col("trade_date").is_in(list(days)),
        "duplicate": pl.struct(schema.keys).is_duplicated() if repeated and schema.once else pl.lit(False),
    }
    named = [pl.when(wrong).then(pl.lit(f"{schema.name}:{name}")) for name, wrong in broken.items()]
    rows = rows.with_columns(pl.concat_list(named).list.drop_nulls().alias("reasons"))
    wrong = pl.col("reasons").list.len() > 0
    row = pl.struct(columns).struct.json_encode()
    rejected = rows.filter(wrong).select(
        (pl.col(schema.stock) if schema.stock else pl.lit(None)).cast(pl.String).alias("ts_code"),
        (as_date("trade_date") if "trade_date" in columns else pl.lit(None, dtype=pl.Date)).alias("session"),
        "reasons",
        (pl.coalesce(RAW, row) if RAW in wire.columns else row).alias(RAW),
    )
    return rows.filter(~wrong).select(columns), rejected.cast(QUARANTINE)


def _mistyped(wire: pl.DataFrame, schema: WireSchema) -> pl.Expr:
    lost = [as_date(name).is_null() & pl.col(name).is_not_null() for name in schema.dates]
    lost += [as_number(name).is_null() & pl.col(name).is_not_null() for name in schema.numbers]
    if RAW in wire.columns:
        lost.append(pl.col(RAW).is_not_null())
    return pl.any_horizontal(lost)


def _none_of(kinds: Mapping[str, tuple[str, ...]]) -> pl.Expr:
    strange = [pl.col(name).is_not_null() & ~pl.col(name).is_in(list(values)) for name, values in kinds.items()]
    return pl.any_horizontal(strange) if strange else pl.lit(False)
