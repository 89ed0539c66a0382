"""What stocks were called over time, and when that said ST. Pure: nothing here may import airflow, HTTP or SQL."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from ljwx.core.bars.codes import UNRENAMED, Codes

PERIOD = ("ts_code", "start_date", "name")
"""What a period is known by."""
ORDER = ("start_date", "ann_date", "name")
"""Of two names that begin on one day the one announced later holds; of equal announcements the one that sorts last."""
WITHDRAWN_SHARE = 0.01
"""Share of the stored periods that one answer may withdraw; more is an answer that came short."""
WITHDRAWN_SLACK = 5


def name_periods(fetched: pl.DataFrame) -> pl.DataFrame:
    """Turn a source's names into names over time, one row a period.

    A source may repeat a period, once with and once without an end: the end is taken where any repeat has one.

    :param fetched: columns of ``canonical.NAMES``.
    :return: ts_code, start_date, name, end_date (the last day; null while it lasts), ann_date, change_reason, sorted.
    """
    return fetched.group_by(PERIOD).agg(pl.col("end_date", "ann_date", "change_reason").max()).sort(PERIOD)


def in_force(periods: pl.DataFrame) -> pl.DataFrame:
    """Give each stock one name a day: a later name ends an earlier one, whether the source gives that an end or not.

    :param periods: ts_code, start_date, name, end_date, ann_date.
    :return: the periods that hold, with their ends, sorted by ts_code and start_date. See ``ORDER``.
    """
    ordered = periods.sort("ts_code", *ORDER)
    once = ordered.unique(["ts_code", "start_date"], keep="last", maintain_order=True)
    day_before_next = pl.col("start_date").shift(-1).over("ts_code").dt.offset_by("-1d")
    return once.with_columns(end_date=pl.min_horizontal("end_date", day_before_next))


def special_treatment(periods: pl.DataFrame, codes: Codes = UNRENAMED) -> pl.DataFrame:
    """Find the periods in which a stock's name said ST or *ST.

    :param periods: as for ``in_force``.
    :param codes: a renamed stock is one: a name under its new code ends one under the old.
    :return: ts_code (the newest of the stock), start_date, end_date (the last day; null while it lasts), sorted.
    """
    named = in_force(periods.with_columns(ts_code=codes.stock())).filter(
        pl.col("name").str.contains("ST", literal=True)
    )
    return named.select("ts_code", "start_date", "end_date")


def withdrawn(stored: pl.DataFrame, came: pl.DataFrame, unreadable: Collection[str]) -> tuple[pl.DataFrame, int]:
    """Find stored periods that the source has no more, of codes of which it has others.

    A code of which nothing came was renamed, or the answer is short: its periods stay.

    :param came: what ``name_periods`` made.
    :param unreadable: codes of which a row was rejected: it may be the one that is missing.
    :return: the periods to withdraw, and how many are kept because they are too many to be believed.
    """
    answered = pl.col("ts_code").is_in(came["ts_code"].unique().implode()) & ~pl.col("ts_code").is_in(list(unreadable))
    lost = stored.filter(answered).join(came, on=PERIOD, how="anti").select(PERIOD)
    if lost.height > max(WITHDRAWN_SHARE * stored.height, WITHDRAWN_SLACK):
        return lost.clear(), lost.height
    return lost, 0
