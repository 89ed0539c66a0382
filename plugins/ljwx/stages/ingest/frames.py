"""From a hook's answers to frames, before anything is judged."""

from __future__ import annotations

import polars as pl

from ljwx.core.bars import RAW, WIRE_NUMBERS
from ljwx.core.bars.validation import as_json
from ljwx.hooks.tushare import Table

LARGEST = 2**53
"""Up to here a float holds every whole number."""


def wire_frame(table: Table) -> pl.DataFrame:
    """Turn an answer into a frame without judging it.

    Columns of numbers hold what came as a JSON number, null for the rest: of such a row the column `raw` keeps what
    came. Another column whose values are of several types becomes text.
    """

    columns: list[pl.Series] = []
    raws: list[str | None] = [None] * len(table)
    for at, name in enumerate(table.fields):
        values = [row[at] for row in table.rows]
        if name not in WIRE_NUMBERS:
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
