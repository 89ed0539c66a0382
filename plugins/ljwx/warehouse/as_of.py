"""Reference data as it was known at a moment; bars and features have their own verbs for that."""

from __future__ import annotations

from datetime import datetime
from typing import cast

import polars as pl

from ljwx.core.datasets.members import MEMBERS
from ljwx.warehouse.base import WarehouseBase


class AsOfVerbs(WarehouseBase):
    """Verbs that read one moment's state of what changes over time."""

    def moment(self) -> datetime:
        """Return the database's clock; under the exclusive `bars_lock` no bar is being written at that moment."""
        (moment,) = self.column("as_of/moment")
        return cast("datetime", moment)

    def instruments_as_of(self, known_at: datetime) -> pl.DataFrame:
        """Return the instruments of all list states as they were known: ts_code, list_date, delist_date."""

        schema = {"ts_code": pl.String, "list_date": pl.Date, "delist_date": pl.Date}
        return self.frame("as_of/instruments", schema, known_at=known_at)

    def industries_as_of(self, known_at: datetime) -> pl.DataFrame:
        """Return the industries over time as they were known: ts_code, industry, start_date.

        An industry begins on the day in Shanghai on which it was first seen: nobody knows since when it had been so.
        """

        schema = {"ts_code": pl.String, "industry": pl.String, "start_date": pl.Date}
        return self.frame("as_of/industries", schema, known_at=known_at)

    def members_as_of(self, index_code: str, known_at: datetime) -> pl.DataFrame:
        """Return an index's lists of members as they were known: session (the list's day), ts_code; sorted by both."""

        return self.frame("as_of/members", MEMBERS, index_code=index_code, known_at=known_at)

    def names_as_of(self, known_at: datetime) -> pl.DataFrame:
        """Return the names over time as they were known: ts_code, name, start_date, ann_date."""

        schema = {"ts_code": pl.String, "name": pl.String, "start_date": pl.Date, "ann_date": pl.Date}
        return self.frame("as_of/names", schema, known_at=known_at)
