"""What sources state of feature groups: rows that can be, and rows that cannot."""

from __future__ import annotations

import polars as pl

from ljwx.core.bars import QUARANTINE, RAW, SourceRows
from ljwx.core.features.tables import FactTable
from ljwx.sources.rows import as_number


def positive(column: str) -> pl.Expr:
    """Return a ratio, and null for none: a loss has no price-earnings ratio, whatever number a source gives it.

    What is not finite stays: it is no ratio, and :func:`possible` refuses it.
    """
    number = as_number(column)
    return pl.when((number > 0) | ~number.is_finite()).then(number)


def possible(table: FactTable, rows: pl.DataFrame, rejected: pl.DataFrame, name: str) -> SourceRows:
    """Part the rows of a table into those that can be and those that break one of its rules.

    :param rows: the table's columns; what else they have is in the quarantine's JSON.
    :param rejected: what was refused before.
    :param name: what reasons begin with.
    """
    infinite = pl.any_horizontal(~pl.col(column).is_finite() for column in table.columns)
    broken = {**table.impossible, "infinite": infinite}
    reasons = [pl.when(wrong.fill_null(False)).then(pl.lit(f"{name}:{rule}")) for rule, wrong in broken.items()]
    checked = rows.with_columns(pl.concat_list(reasons).list.drop_nulls().alias("reasons"))
    wrong = pl.col("reasons").list.len() > 0
    raw = pl.struct(rows.columns).struct.json_encode().alias(RAW)
    refused = checked.filter(wrong).select("ts_code", pl.col(table.day).alias("session"), "reasons", raw)
    usable = checked.filter(~wrong).select(table.schema.names())
    return SourceRows(usable, pl.concat([rejected, refused.cast(QUARANTINE)]))
