"""Validating bars: bad rows to quarantine, odd rows flagged. Pure: nothing here may import airflow, HTTP or SQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import polars as pl

from ljwx.core.bars.canonical import QUARANTINE, RAW, UNREFERENCED, as_json
from ljwx.core.bars.codes import Codes
from ljwx.core.bars.frame import BARS, KEYS
from ljwx.core.bars.limits import limit_band, limit_percent, unlimited
from ljwx.core.bars.rules import BAR_RULES, NO_BAR, REPEATED

STOCK_KEYS = ("_stock", "session")
IPO_DAYS = timedelta(days=14)
"""Calendar days that hold an IPO's unlimited sessions, where the known sessions begin after the listing."""


@dataclass(frozen=True, eq=False)
class Context:
    """What the rules need to know besides the bars; a rule without its knowledge is not applied.

    :param through: the run's last session; a later bar comes from the future.
    :param sessions: open days, sorted; must reach ``through``. Days before the first are not looked at.
    :param instruments: ts_code, list_date, delist_date as the source says it; None where the source has none. Without
        a list_date the band of the limits is not checked, because an IPO cannot be recognised.
    :param suspended: ts_code, session of whole-day suspensions.
    :param special: ts_code, start_date, end_date of ST periods; without them a main-board stock has the wide limit.
    :param before: ts_code, close, adj_factor and, to recognise a repeated row, ``REPEATED`` of each stock's last bar
        before the first of these; a stock that comes twice is left out.
    :param amounts: whether the source has amounts; where it has none, a bar without one is no bad bar.
    :param codes: a renamed stock is one, whichever of its codes the rows have.
    """

    through: date
    sessions: Sequence[date]
    instruments: pl.DataFrame | None = None
    suspended: pl.DataFrame | None = None
    special: pl.DataFrame | None = None
    before: pl.DataFrame | None = None
    amounts: bool = True
    codes: Codes = field(default_factory=Codes)


@dataclass(frozen=True, eq=False)
class Checked:
    """Every row that came, in one of two frames.

    :param bars: the columns of ``BARS``, flags being the names of broken soft rules; sorted by ts_code and session.
    :param quarantine: ts_code, session (either can be null when that is what was wrong), reasons (names of broken
        hard rules), raw (JSON of the values as they came).
    """

    bars: pl.DataFrame
    quarantine: pl.DataFrame


def check(frame: pl.DataFrame, context: Context) -> Checked:
    """Check every row of an assembled frame against every rule, many sessions at once.

    Soft rules look at the rows that pass the hard ones; a bar right after a bad one is not compared with the bar
    before.

    :param frame: what ``assemble`` made.
    """
    before = _before(context)
    hard = _with_verdict(_with_row_before(_with_context(frame, context), before), "hard", "reasons")
    wrong = pl.col("reasons").list.len() > 0
    # A row that stands for no trade hides none: the next bar follows the one before it.
    hard = hard.with_columns(_bad=pl.col("reasons").list.eval(~pl.element().is_in(NO_BAR)).list.any())
    real = hard.filter(~wrong | pl.col("_bad")).with_columns(_after_bad=pl.col("_bad").shift(1).over("_stock"))
    soft = _with_verdict(_with_before(real.filter(~pl.col("_bad")), before), "soft", "flags")
    bars = soft.select(BARS.names()).sort(KEYS)
    return Checked(bars=bars, quarantine=_quarantine(hard.filter(wrong), frame.columns))


def _with_verdict(frame: pl.DataFrame, severity: str, column: str) -> pl.DataFrame:
    names = [pl.when(rule.broken).then(pl.lit(rule.name)) for rule in BAR_RULES if rule.severity == severity]
    return frame.with_columns(pl.concat_list(names).list.drop_nulls().alias(column))


def _quarantine(bad: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    kept = [name for name in columns if name not in ("flags", RAW)]
    raws = [row[RAW] or as_json(_as_it_came(row, kept)) for row in bad.iter_rows(named=True)]
    rows = bad.select("ts_code", "session", "reasons").with_columns(pl.Series("raw", raws, dtype=pl.String))
    return rows.cast(QUARANTINE)


def _as_it_came(row: dict[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """Return a row's values as they came; ``unreferenced`` only where it has a reason."""
    return {name: row[name] for name in columns if name != UNREFERENCED or row[name] is not None}


def _with_context(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    frame = _with_copies(frame).with_columns(_stock=context.codes.stock())
    frame = _with_listing(frame, context)
    frame = _with_mark(frame, _by_stock(context.suspended, context), "_suspended")
    frame = _with_mark(frame, _special_days(frame, _by_stock(context.special, context)), "_special")
    frame = _with_renamed(frame, context.codes)
    day, sessions = pl.col("session"), pl.Series(sorted(context.sessions), dtype=pl.Date)
    covered = day >= sessions.min() if len(sessions) else pl.lit(None, dtype=pl.Boolean)
    frame = frame.with_columns(
        limit_percent(pl.col("_special").fill_null(False)).alias("_percent"),
        (~unlimited(_age(sessions))).alias("_limited"),
        pl.lit(context.amounts).alias("_amounts"),
    )
    lower, upper = limit_band(pl.col("_percent"))
    limited = pl.when("_limited")
    return frame.with_columns(
        (day > context.through).alias("_late"),
        pl.when(covered & (day <= context.through)).then(day.is_in(sessions.implode())).alias("_open"),
        limited.then(lower).alias("_lower"),
        limited.then(upper).alias("_upper"),
    )


def _age(sessions: pl.Series) -> pl.Expr:
    """Sessions since the listing; by the calendar where the listing is before the first known session."""
    day, listed = pl.col("session"), pl.col("list_date")
    age = (_index(sessions, day) - _index(sessions, listed)).cast(pl.Int64)
    first = sessions.min() if len(sessions) else date.max
    by_calendar = pl.when(day - listed <= IPO_DAYS).then(0).otherwise(1_000)
    return pl.when(listed.is_not_null()).then(pl.when(listed >= first).then(age).otherwise(by_calendar))


def _index(sessions: pl.Series, day: pl.Expr) -> pl.Expr:
    return pl.lit(sessions).search_sorted(day, side="left").cast(pl.Int64)


def _with_copies(frame: pl.DataFrame) -> pl.DataFrame:
    """Count the rows of each key, and number them where all are equal; of equal copies the first one is kept."""
    twice = frame.filter(pl.struct(KEYS).is_duplicated()).select(KEYS).unique()
    frame = frame.with_row_index("_row")
    if twice.is_empty():
        return frame.with_columns(pl.lit(1).alias("_copies"), pl.lit(0).alias("_copy"))
    values = [name for name in frame.columns if name not in (*KEYS, "flags", "_row")]
    copies = frame.join(twice, on=KEYS, how="semi", nulls_equal=True).select(
        "_row",
        pl.len().over(KEYS).alias("_copies"),
        pl.when(pl.struct(values).n_unique().over(KEYS) == 1).then(pl.int_range(pl.len()).over(KEYS)).alias("_copy"),
    )
    return frame.join(copies, on="_row", how="left", maintain_order="left")


def _with_listing(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    if context.instruments is None:
        nothing = [pl.lit(None, dtype=pl.Date).alias(name) for name in ("list_date", "delist_date")]
        return frame.with_columns(*nothing, pl.lit(None, dtype=pl.Boolean).alias("_known"))
    listing = context.codes.listed(context.instruments.unique("ts_code", keep="last"))
    listing = listing.rename({"ts_code": "_stock"}).with_columns(pl.lit(True).alias("_known"))
    frame = frame.join(listing, on="_stock", how="left", maintain_order="left")
    return frame.with_columns(pl.col("_known").fill_null(False))


def _by_stock(rows: pl.DataFrame | None, context: Context) -> pl.DataFrame | None:
    return None if rows is None else rows.with_columns(_stock=context.codes.stock())


def _with_mark(frame: pl.DataFrame, keys: pl.DataFrame | None, name: str) -> pl.DataFrame:
    if keys is None:
        return frame.with_columns(pl.lit(None, dtype=pl.Boolean).alias(name))
    marked = keys.select(STOCK_KEYS).unique().with_columns(pl.lit(True).alias(name))
    return frame.join(marked, on=STOCK_KEYS, how="left", maintain_order="left")


def _special_days(frame: pl.DataFrame, special: pl.DataFrame | None) -> pl.DataFrame | None:
    if special is None:
        return None
    periods = special.select("_stock", "start_date", "end_date")
    days = frame.select(STOCK_KEYS).join(periods, on="_stock", how="inner")
    ended = (pl.col("session") > pl.col("end_date")).fill_null(False)
    return days.filter((pl.col("session") >= pl.col("start_date")) & ~ended).select(STOCK_KEYS)


def _with_renamed(frame: pl.DataFrame, codes: Codes) -> pl.DataFrame:
    """Mark rows of an old code on a day on which the stock has one of its newest code too."""
    if not codes.newest:
        return frame.with_columns(_renamed=pl.lit(False))
    newest = (pl.col("ts_code") == pl.col("_stock")).any().over(STOCK_KEYS)
    return frame.with_columns(_renamed=(pl.col("ts_code") != pl.col("_stock")) & newest)


def _before(context: Context) -> pl.DataFrame | None:
    """Return each stock's bar before the first of these, with its columns behind ``_first_``; null what it lacks."""
    if context.before is None:
        return None
    there = set(context.before.columns)
    values = [
        (pl.col(name) if name in there else pl.lit(None, dtype=pl.Float64)).alias(f"_first_{name}")
        for name in ("adj_factor", *REPEATED)
    ]
    return context.before.select(context.codes.stock().alias("_stock"), *values).unique("_stock", keep="none")


def _with_row_before(frame: pl.DataFrame, before: pl.DataFrame | None) -> pl.DataFrame:
    """Put rows in order, and add ``_was_*``: what the stock's last row with volume says, whether it is good or not."""
    rows = frame.sort("_stock", "session", "ts_code", nulls_last=True).with_row_index("_index")
    traded = pl.when(pl.col("vol") > 0).then("_index").shift(1).forward_fill().over("_stock")
    rows = rows.with_columns(traded.alias("_index"))
    copy = (pl.col("session").gather("_index") == pl.col("session")).fill_null(False)
    if before is not None:
        rows = rows.join(before, on="_stock", how="left", maintain_order="left")
    there = set(rows.columns)
    was = (
        pl.when(~copy)
        .then(pl.coalesce(pl.col(name).gather("_index"), *_first_where_none(name, there)))
        .alias(f"_was_{name}")
        for name in REPEATED
    )
    return rows.with_columns(was).drop("_index", *(before.columns[1:] if before is not None else ()))


def _first_where_none(name: str, there: Collection[str]) -> list[pl.Expr]:
    """Return what the bar before the frame says, for rows before which the frame has none with volume."""
    first = f"_first_{name}"
    return [pl.when(pl.col("_index").is_null()).then(first)] if first in there else []


def _with_before(frame: pl.DataFrame, before: pl.DataFrame | None) -> pl.DataFrame:
    """Add close and factor of the stock's bar before, from ``before`` for its first bar.

    Null where a bad bar is between.
    """
    names = {"close": "_close", "adj_factor": "_factor"}
    undisturbed = ~pl.col("_after_bad").fill_null(False)
    frame = _shifted(frame, before, names)
    return frame.with_columns(pl.when(undisturbed).then(pl.col(new)).alias(new) for new in names.values())


def _shifted(frame: pl.DataFrame, before: pl.DataFrame | None, names: Mapping[str, str]) -> pl.DataFrame:
    """Add columns of each stock's row before under new names, from ``before`` for its first row."""
    frame = frame.with_columns(pl.col(old).shift(1).over("_stock").alias(new) for old, new in names.items())
    if before is None:
        return frame
    joined = frame.join(before, on="_stock", how="left", maintain_order="left")
    first = pl.int_range(pl.len()).over("_stock") == 0
    filled = (
        pl.when(first).then(pl.col(f"_first_{old}")).otherwise(pl.col(new)).alias(new) for old, new in names.items()
    )
    return joined.with_columns(filled).drop(before.columns[1:])
