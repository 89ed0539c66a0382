"""Who was a member of an index at a session: the newest list that was there, never one of a later day.

Pure: never imports airflow, an HTTP client or a database driver. A list says who is a member on its own day. It is
published month by month, so that a session looks back to the last one; one that is too old says nothing any more.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any, Final

import polars as pl

VALID_DAYS: Final = 62
"""Calendar days for which a list is taken for the present one: a month's list may come late, two may not be missing."""

WAY_OUT: Final = (
    "run ljwx_daily_ingest over the dates, which fetches the lists while the setting is in force, from a connection of "
    "TuShare with 2,000 points"
)
"""What to do about lists that are not there."""

MEMBERS: Final = {"session": pl.Date, "ts_code": pl.String}
"""Columns of an index's lists: a row for each member of the list of a session."""


@dataclass(frozen=True)
class MembersUsed:
    """The lists that a dataset's samples were chosen by.

    :param lists: how many; ``first`` and ``last`` are their days.
    :param members: stocks that are in any of them; ``smallest`` and ``largest``: in one of them.
    """

    lists: int
    first: dt.date
    last: dt.date
    members: int
    smallest: int
    largest: int

    def as_dict(self) -> dict[str, Any]:
        """The counts as JSON can hold them."""
        return {
            name: value.isoformat() if isinstance(value, dt.date) else value for name, value in asdict(self).items()
        }


def lists_in_force(sessions: pl.Series, members: pl.DataFrame) -> pl.DataFrame:
    """Find the list of each session: the newest one of that day or before, at most :data:`VALID_DAYS` old.

    :param sessions: dates, in any order.
    :param members: MEMBERS frame.
    :returns: session (each once, sorted) and ``listed_on``, the day of its list; null where there is none.
    """
    days = sessions.unique().sort().alias("session").to_frame()
    listed = members.select(listed_on=pl.col("session").unique()).sort("listed_on")
    found: pl.DataFrame = days.join_asof(
        listed,
        left_on="session",
        right_on="listed_on",
        strategy="backward",
        tolerance=dt.timedelta(days=VALID_DAYS),
        coalesce=False,
    )
    return found


def with_membership(rows: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """Add ``listed_on`` (see :func:`lists_in_force`) and ``member``: whether the stock is in that list."""
    named = members.select(
        listed_on="session", ts_code=pl.col("ts_code").cast(rows.schema["ts_code"], strict=False), member=True
    )
    return (
        rows.join(lists_in_force(rows["session"], members), on="session", how="left", maintain_order="left")
        .join(named, on=["listed_on", "ts_code"], how="left", maintain_order="left")
        .with_columns(pl.col("member").fill_null(False))
    )


def members_used(sessions: pl.Series, members: pl.DataFrame) -> MembersUsed:
    """Count the lists in force at a dataset's sessions, of which there is at least one."""
    days = lists_in_force(sessions, members)["listed_on"].drop_nulls().unique().sort()
    used = members.filter(pl.col("session").is_in(days.implode()))
    sizes = used.group_by("session").agg(pl.len())["len"].sort().to_list()
    return MembersUsed(len(days), days[0], days[-1], used["ts_code"].n_unique(), sizes[0], sizes[-1])
