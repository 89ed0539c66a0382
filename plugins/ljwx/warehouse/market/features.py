"""Features: what has to be computed, the bars it needs, and the rows that come out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import polars as pl
from psycopg.rows import scalar_row

from ljwx.core.features import inputs, running
from ljwx.warehouse.base import WarehouseBase, statement
from ljwx.warehouse.market.revisions import Merged, merge_revisions

KEYS = ("session", "ts_code", "feature_version")


class FeaturesVerbs(WarehouseBase):
    """Verbs of the stage `features`."""

    def stale_from(self, feature_version: str) -> date | None:
        """Return the first complete session from which on features have not seen what the bars are now."""
        query = statement("features/stale_from", b=inputs(), was=inputs())
        with self.transaction() as connection, connection.cursor(row_factory=scalar_row) as cursor:
            first: date | None = cursor.execute(query, {"feature_version": feature_version}).fetchone()
        return first

    def save_features(
        self, run_key: int, parts: Iterable[pl.DataFrame], feature_version: str | None = None, since: date | None = None
    ) -> Merged:
        """Write feature rows in one transaction, however many parts they come in; unchanged rows are not touched.

        From `since` on a row whose bar is withdrawn is current no more.

        :param parts: frames of different stocks with the columns KEYS and the features.
        :param since: from here on the parts hold every complete session, made of all bars that are there; to be called
            under the exclusive `bars_lock`.
        """
        inserted = revised = 0
        with self.transaction() as connection:
            for part in parts:
                if part.is_empty():
                    continue
                years = (part["session"].min(), part["session"].max())
                connection.execute("SELECT ljwx.ensure_years(%s, %s)", years)
                merged = merge_revisions(connection, "features", part, KEYS, run_key)
                inserted, revised = inserted + merged.inserted, revised + merged.revised
            if since is not None:
                marks = {"feature_version": feature_version, "since": since}
                connection.execute(statement("features/withdraw"), marks)
                connection.execute(statement("features/add_marks"), marks)
        return Merged(inserted, revised)

    def features(
        self, columns: Sequence[str], feature_version: str, first: date, last: date, known_at: datetime | None = None
    ) -> pl.DataFrame:
        """Return feature rows of the range, sorted by stock and session.

        :param columns: names of the features, in the order wanted.
        :param known_at: read what was known then: revisions and complete sessions; the current ones by default.
        """
        names = tuple(columns)
        wanted = {"feature_version": feature_version, "first": first, "last": last}
        if known_at is None:
            return self.frame("features/current", _schema(names), columns={"f": names}, **wanted)
        return self.frame("features/known", _schema(names), columns={"f": names}, **wanted, known_at=known_at)

    def running_before(self, feature_version: str, since: date) -> pl.DataFrame:
        """Return ts_code, session and the running features of each stock's last feature row before `since`."""
        names = running()
        wanted = {"feature_version": feature_version, "since": since}
        return self.frame("features/last_before", _schema(names), columns={"f": names, "last": names}, **wanted)


def _schema(names: Sequence[str]) -> dict[str, Any]:
    return {"ts_code": pl.String, "session": pl.Date, **dict.fromkeys(names, pl.Float64)}
