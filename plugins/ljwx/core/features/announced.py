"""Facts that companies announce, such as the profit of a quarter: their table, and what of it was known on a session.

Pure: nothing here may import airflow, HTTP or SQL. An announcement is made in the evening, so it is known from the day
after on. What was seen live is known from the day on which it was first seen, if that is later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from ljwx.core.features.tables import KEYS, FactTable, with_industry

_ONE: Final = ("ts_code", "kind", "period", "announced")
_NEWEST_LAST: Final = ("period", "rank", "announced", "corrected", "revision")
_DAY: Final = pl.duration(days=1)


@dataclass(frozen=True, eq=False)
class AnnouncedTable(FactTable):
    """A table of one row an announcement, kept as revisions, and what a snapshot gets of the newest ones.

    Its `prepare` gets a row a stock and session, with ``<line>_<column>``, ``<line>_period`` and ``<line>_announced``
    of the newest announcement of each line, null where there is none or where it is older than `look_back` days.

    :param texts: the words that are stored beside the numbers.
    :param lines: name → the kinds of announcement among which the newest is shown; of one period the later kind counts.
    """

    texts: tuple[str, ...] = ()
    lines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def keys(self) -> tuple[str, ...]:
        """What tells a row from another, revisions apart."""
        return (*_ONE, "corrected")

    @property
    def day(self) -> str:
        """The column of the day that a row belongs to."""
        return "announced"

    @property
    def schema(self) -> pl.Schema:
        """The columns in which sources give rows; `corrected`: the source marks the row as a correction."""
        keys = dict.fromkeys(("ts_code", "kind"), pl.String()) | dict.fromkeys(("period", "announced"), pl.Date())
        values = dict.fromkeys(self.texts, pl.String()) | dict.fromkeys(self.columns, pl.Float64())
        return pl.Schema({**keys, "corrected": pl.Boolean(), **values})

    def as_of(self, rows: pl.DataFrame, stocks: pl.DataFrame, industries: pl.DataFrame | None) -> pl.DataFrame:
        """Return the columns that facts read, of each stock and session.

        :param rows: :attr:`schema` and what :func:`with_first_day` needs: all revisions of at least `look_back` days.
        :param stocks: ts_code and session; further columns are kept.
        :param industries: see :meth:`prepared`.
        """
        known, found = with_first_day(rows), stocks
        for name, kinds in self.lines.items():
            places = {kind: place for place, kind in enumerate(kinds)}
            rank = pl.col("kind").replace_strict(places, return_dtype=pl.Int8)
            mine = known.filter(pl.col("kind").is_in(kinds)).with_columns(rank=rank)
            shown = ("period", "announced", *self.texts, *self.columns)
            found = _newest(mine, found, shown, self.look_back).rename({each: f"{name}_{each}" for each in shown})
        return self.prepare(with_industry(found, industries)).select(*stocks.columns, *self.makes)


def with_first_day(rows: pl.DataFrame) -> pl.DataFrame:
    """Add ``from``, the first day whose session may know a row.

    Sources do not say when they corrected: a correction is known from the day on which it was seen, also where what it
    corrects is no longer there.

    :param rows: ts_code, kind, period, announced, corrected, revision, ``seen`` (the day on which the row was first
        seen) and ``since`` (that of the first row of its kind in the table: what was announced earlier was not seen
        live).
    """
    again = (pl.col("revision") > 1) | pl.col("corrected")
    after = pl.col("announced") + _DAY
    live = pl.col("announced") >= pl.col("since")
    later = pl.when(live | again).then(pl.max_horizontal(after, "seen")).otherwise(after)
    return rows.with_columns(later.alias("from"))


def _newest(rows: pl.DataFrame, stocks: pl.DataFrame, shown: Sequence[str], look_back: int) -> pl.DataFrame:
    """Add to each stock and session what the newest row tells that is known and not older than `look_back` days.

    Exact whatever older rows there are: the newest is looked for on each day on which one becomes known or too old.
    """
    ends = (pl.col("announced") + pl.duration(days=look_back)).alias("to")
    rows = rows.sort(_NEWEST_LAST).with_row_index("place").with_columns(ends).filter(pl.col("from") <= pl.col("to"))
    began, ended = rows.select("ts_code", day="from"), rows.select("ts_code", day=pl.col("to") + _DAY)
    steps = pl.concat([began, ended]).unique()
    span = [pl.col(name).to_physical() // look_back for name in ("from", "to")]
    parts = rows.select("ts_code", "place", "from", "to", part=pl.int_ranges(span[0], span[1] + 1)).explode("part")
    best = (
        steps.with_columns(part=(pl.col("day").to_physical() // look_back).cast(pl.Int64))
        .join(parts, on=["ts_code", "part"])
        .filter(pl.col("day").is_between("from", "to"))
        .group_by("ts_code", "day")
        .agg(pl.col("place").max())
    )
    steps = steps.join(best, on=["ts_code", "day"], how="left").join(
        rows.select("place", *shown), on="place", how="left"
    )
    known = steps.sort("day").select("ts_code", "day", *shown)
    joined = stocks.sort("session").join_asof(
        known, left_on="session", right_on="day", by="ts_code", check_sortedness=False
    )
    return joined.drop("day", strict=False).sort(KEYS)
