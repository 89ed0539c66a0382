"""Validating bars: bad rows to quarantine, odd rows flagged. Pure: nothing here may import airflow, HTTP or SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from ljwx.core.bars.canonical import QUARANTINE, RAW, UNREFERENCED, as_json
from ljwx.core.bars.frame import BARS, KEYS
from ljwx.core.bars.limits import limit_band, limit_percent, unlimited
from ljwx.core.bars.rules import BAR_RULES

IPO_DAYS = timedelta(days=14)
"""Calendar days that hold an IPO's unlimited sessions, where the known sessions begin after the listing."""


@dataclass(frozen=True, eq=False)
class Context:
    """What the rules need to know besides the bars; a rule without its knowledge is not applied.

    :param through: the run's last session; a later bar comes from the future.
    :param sessions: open days, sorted; must reach ``through``. Days before the first are not looked at.
    :param instruments: ts_code, list_date, delist_date; None where the source has none. Without a list_date the
        band of the limits is not checked, because an IPO cannot be recognised.
    :param suspended: ts_code, session of whole-day suspensions.
    :param special: ts_code, start_date, end_date of ST periods; without them a main-board stock has the wide limit.
    :param before: ts_code, close, adj_factor of each stock's last bar before the first of these; a code that comes
        twice is left out.
    :param amounts: whether the source has amounts; where it has none, a bar without one is no bad bar.
    """

    through: date
    sessions: Sequence[date]
    instruments: pl.DataFrame | None = None
    suspended: pl.DataFrame | None = None
    special: pl.DataFrame | None = None
    before: pl.DataFrame | None = None
    amounts: bool = True


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
    hard = _with_verdict(_with_context(frame, context), "hard", "reasons")
    wrong = pl.col("reasons").list.len() > 0
    hard = hard.sort(KEYS, nulls_last=True).with_columns(wrong.shift(1).over("ts_code").alias("_after_bad"))
    bad = hard.filter(wrong)
    soft = _with_verdict(_with_before(hard.filter(~wrong), context.before), "soft", "flags")
    return Checked(bars=soft.select(BARS.names()), quarantine=_quarantine(bad, frame.columns))


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
    frame = _with_copies(frame)
    frame = _with_listing(frame, context)
    frame = _with_mark(frame, context.suspended, "_suspended")
    frame = _with_mark(frame, _special_days(frame, context.special), "_special")
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
    listing = context.instruments.unique("ts_code", keep="last").select(
        "ts_code", "list_date", "delist_date", pl.lit(True).alias("_known")
    )
    frame = frame.join(listing, on="ts_code", how="left", maintain_order="left")
    return frame.with_columns(pl.col("_known").fill_null(False))


def _with_mark(frame: pl.DataFrame, keys: pl.DataFrame | None, name: str) -> pl.DataFrame:
    if keys is None:
        return frame.with_columns(pl.lit(None, dtype=pl.Boolean).alias(name))
    marked = keys.select(KEYS).unique().with_columns(pl.lit(True).alias(name))
    return frame.join(marked, on=KEYS, how="left", maintain_order="left")


def _special_days(frame: pl.DataFrame, special: pl.DataFrame | None) -> pl.DataFrame | None:
    if special is None:
        return None
    periods = special.select("ts_code", "start_date", "end_date")
    days = frame.select(KEYS).join(periods, on="ts_code", how="inner")
    ended = (pl.col("session") > pl.col("end_date")).fill_null(False)
    return days.filter((pl.col("session") >= pl.col("start_date")) & ~ended).select(KEYS)


def _with_before(frame: pl.DataFrame, before: pl.DataFrame | None) -> pl.DataFrame:
    """Add close and factor of the stock's bar before, from ``before`` for its first bar.

    Null where a bad bar is between.
    """
    names = {"close": "_close", "adj_factor": "_factor"}
    frame = frame.with_columns(pl.col(old).shift(1).over("ts_code").alias(new) for old, new in names.items())
    if before is not None:
        earlier = before.unique("ts_code", keep="none").select(
            "ts_code", *(pl.col(old).alias(f"_first{new}") for old, new in names.items())
        )
        frame = frame.join(earlier, on="ts_code", how="left", maintain_order="left")
        first = pl.int_range(pl.len()).over("ts_code") == 0
        frame = frame.with_columns(
            pl.when(first).then(pl.col(f"_first{new}")).otherwise(pl.col(new)).alias(new) for new in names.values()
        )
    undisturbed = ~pl.col("_after_bad").fill_null(False)
    return frame.with_columns(pl.when(undisturbed).then(pl.col(new)).alias(new) for new in names.values())
