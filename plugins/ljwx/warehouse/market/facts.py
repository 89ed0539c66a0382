"""Facts that sources state beside the bars: the tables of feature groups, and their columns beside the features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
from psycopg import Connection
from psycopg.rows import class_row, scalar_row, tuple_row

from ljwx.core.bars import UNRENAMED, Codes
from ljwx.core.features import FeatureGroup
from ljwx.core.features.announced import AnnouncedTable
from ljwx.core.features.of_index import IndexTable
from ljwx.core.features.tables import KEYS, FactTable, with_facts
from ljwx.warehouse.base import statement
from ljwx.warehouse.market.bars import SESSION_LOCK
from ljwx.warehouse.market.features import FeaturesVerbs
from ljwx.warehouse.market.reference import ReferenceVerbs
from ljwx.warehouse.market.revisions import Merged, merge_revisions

WHOLE_SHARE = 0.9
"""Of a session's bars, at least, have a row where a source has published the table."""


@dataclass(frozen=True)
class Published:
    """How many bars a session has, and how many rows a table has of it."""

    session: date
    bars: int
    rows: int


class FactsVerbs(FeaturesVerbs, ReferenceVerbs):
    """Verbs of the tables that feature groups have."""

    def save_facts(self, run_key: int, table: FactTable, rows: pl.DataFrame, *, given_stay: bool = False) -> Merged:
        """Write rows of a table in one transaction; what a source corrects is the next revision.

        :param given_stay: rows that a source gave, and no file, stay as they are.
        """
        with self.transaction() as connection:
            for day in rows[table.day].unique().sort():
                connection.execute(SESSION_LOCK, (day.toordinal(),))
            left = _not_given(connection, table, rows) if given_stay else rows
            merged = merge_revisions(connection, table.name, left, table.keys, run_key)
        return replace(merged, kept=rows.height - left.height)

    def facts(self, table: FactTable, first: date, last: date, known_at: datetime | None = None) -> pl.DataFrame:
        """Return a table's rows of a range, sorted by stock and session.

        :param known_at: read the revisions of then; the current ones by default.
        """
        columns = {"f": table.columns, "ljwx": (table.name,)}
        wanted = {"first": first, "last": last}
        if known_at is None:
            return self.frame("facts/current", table.schema, columns=columns, **wanted)
        return self.frame("facts/known", table.schema, columns=columns, **wanted, known_at=known_at)

    def announced(
        self, table: AnnouncedTable, first: date, last: date, known_at: datetime | None = None
    ) -> pl.DataFrame:
        """Return all revisions of what was announced in a range, with ``revision``, ``seen`` and ``since``.

        :param known_at: of those that were known then; now by default.
        """
        values = (*table.texts, *table.columns)
        days = {"revision": pl.Int32(), "seen": pl.Date(), "since": pl.Date()}
        wanted = {"first": first, "last": last, "known_at": known_at}
        return self.frame(
            "facts/announced", {**table.schema, **days}, columns={"f": values, "ljwx": (table.name,)}, **wanted
        )

    def sessions_short_of(self, table: FactTable, first: date, last: date) -> list[date]:
        """Return the complete sessions of a range of which a table has few rows, or none; sorted.

        Of announcements, which a session may be without, there are none; of an index a session has one row.
        """
        if isinstance(table, AnnouncedTable):
            return []
        if isinstance(table, IndexTable):
            return self.column("facts/without_index", code=table.code, first=first, last=last)
        query = statement("facts/short", ljwx=(table.name,))
        wanted = {"first": first, "last": last, "share": WHOLE_SHARE}
        with self.transaction() as connection, connection.cursor(row_factory=scalar_row) as cursor:
            return cursor.execute(query, wanted).fetchall()

    def published(self, table: FactTable) -> Published | None:
        """Return how much a table has of the newest complete session; None where no session is complete.

        A row of an index counts for all bars, whose snapshots tell it.
        """
        if isinstance(table, IndexTable):
            return self.record(Published, "facts/index_shares", code=table.code)
        name = "facts/announced_shares" if isinstance(table, AnnouncedTable) else "facts/shares"
        query = statement(name, ljwx=(table.name,))
        with self.transaction() as connection, connection.cursor(row_factory=class_row(Published)) as cursor:
            return cursor.execute(query, {"look_back": table.look_back}).fetchone()

    def with_facts(
        self,
        features: pl.DataFrame,
        groups: Sequence[FeatureGroup],
        industries: pl.DataFrame | None,
        codes: Codes = UNRENAMED,
        known_at: datetime | None = None,
    ) -> pl.DataFrame:
        """Add to feature rows what the tables of groups say of them; null where they say nothing.

        :param industries: over time, as they were known; None: percentiles within them are null.
        :param known_at: see :meth:`facts`.
        """
        tables = [group.table for group in groups if group.table is not None]
        if not tables or features.is_empty():
            return features
        of_stocks = None if industries is None else industries.with_columns(ts_code=codes.stock())
        made = [self._made_of(features, table, of_stocks, codes, known_at) for table in tables]
        return with_facts(features, made)

    def _made_of(
        self,
        features: pl.DataFrame,
        table: FactTable,
        industries: pl.DataFrame | None,
        codes: Codes,
        known_at: datetime | None,
    ) -> pl.DataFrame:
        if isinstance(table, AnnouncedTable):
            return self._announced_of(features, table, industries, codes, known_at)
        if isinstance(table, IndexTable):
            first, last = _range(features, table)
            levels = self.facts(table, first, last, known_at)
            return table.as_of(levels, self.trading_days(first, last), features.select("ts_code", "session"))
        return self._stated_of(features, table, industries, codes, known_at)

    def _stated_of(
        self,
        features: pl.DataFrame,
        table: FactTable,
        industries: pl.DataFrame | None,
        codes: Codes,
        known_at: datetime | None,
    ) -> pl.DataFrame:
        first, last = _range(features, table)
        rows = codes.as_stocks(self.facts(table, first, last, known_at))
        return codes.as_traded(table.prepared(rows.select(table.schema.names()), industries), rows)

    def _announced_of(
        self,
        features: pl.DataFrame,
        table: AnnouncedTable,
        industries: pl.DataFrame | None,
        codes: Codes,
        known_at: datetime | None,
    ) -> pl.DataFrame:
        rows = self.announced(table, *_range(features, table), known_at).with_columns(ts_code=codes.stock())
        keys = features.select("ts_code", "session")
        stocks = keys.with_columns(ts_code=codes.stock(), traded=pl.col("ts_code"))
        return table.as_of(rows, stocks, industries).drop("ts_code").rename({"traded": "ts_code"})


def _not_given(connection: Connection[Any], table: FactTable, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of which a source gave none."""
    if rows.is_empty():
        return rows
    wanted = {
        "first": rows["session"].min(), "last": rows["session"].max(), "codes": rows["ts_code"].unique().to_list(),
    }  # fmt: skip
    with connection.cursor(row_factory=tuple_row) as cursor:
        found = cursor.execute(statement("facts/given", ljwx=(table.name,)), wanted).fetchall()
    given = pl.DataFrame(found, schema={name: table.schema[name] for name in KEYS}, orient="row")
    return rows.join(given, on=KEYS, how="anti", maintain_order="left")


def _range(features: pl.DataFrame, table: FactTable) -> tuple[date, date]:
    """Return the days of which a table's rows may decide what feature rows say."""
    first, last = features.select(first=pl.col("session").min(), last=pl.col("session").max()).row(0)
    return first - timedelta(days=table.look_back), last
