"""Reference data, now and as it was known at a moment: trading days, stocks, names over time, members of indexes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import cast

import polars as pl

from ljwx.core.bars import Codes
from ljwx.core.datasets.members import MEMBERS
from ljwx.resources import sse_calendar
from ljwx.warehouse.base import WarehouseBase, statement
from ljwx.warehouse.market.revisions import Merged, merge_revisions

INSTRUMENTS_LOCK = "SELECT pg_advisory_xact_lock(hashtext('ljwx.instruments'))"
"""Two runs write instruments one after the other: the second finds nothing to change."""
NAMES_LOCK = "SELECT pg_advisory_xact_lock(hashtext('ljwx.names'))"
MEMBERS_LOCK = "SELECT pg_advisory_xact_lock(hashtext('ljwx.index_members'))"
"""The months of a range look back to the same lists; they are written one after the other."""


@dataclass(frozen=True)
class SavedLists:
    """What one transaction changed of an index's lists: members that are new, weighed anew, or gone."""

    lists: int
    inserted: int
    revised: int
    withdrawn: int


@dataclass(frozen=True)
class SavedNames:
    """The periods that came, and those of them that were new or changed; periods that are gone."""

    periods: int
    inserted: int
    revised: int
    withdrawn: int


@dataclass(frozen=True)
class GoneOn:
    """A code that ended without a word, and a listed one whose first bar goes on from its last price.

    :param last: session of the last row of the one; `first`: session of the first bar of the other.
    :param name: today's of the other; `list_date`: its own too.
    """

    ts_code: str
    renamed_to: str
    last: date
    first: date
    name: str | None
    list_date: date


_PERIOD = {"ts_code": pl.String(), "start_date": pl.Date(), "name": pl.String()}


class ReferenceVerbs(WarehouseBase):
    """Verbs about what bars are read by and samples are chosen by."""

    def save_sessions(self, run_key: int, sessions: Sequence[date]) -> None:
        """Write the trading days of a range, from the first of `sessions` to the last; known ones stay as they are.

        A day between them that is no session, but was taken for one, is deleted unless it has bars.
        """
        span = {"first": min(sessions), "last": max(sessions), "sessions": list(sessions)}
        with self.transaction() as connection:
            connection.execute(statement("reference/forget_closed"), span)
            values = [{"session": session, "run_key": run_key} for session in sessions]
            connection.cursor().executemany(statement("reference/add_session"), values)

    def save_instruments(self, run_key: int, instruments: pl.DataFrame, relinked: Sequence[str] = ()) -> Merged:
        """Write stocks of all list states; a changed one becomes a new revision.

        :param relinked: newest codes of stocks that have other codes from now on: in the same transaction features are
            made to be computed anew from the first session on which one of these codes has a bar.
        """
        with self.bars_lock(), self.transaction() as connection:
            connection.execute(INSTRUMENTS_LOCK)
            if relinked:
                connection.execute(statement("reference/forget_marks"), {"codes": list(relinked)})
            return merge_revisions(connection, "instruments", instruments, ["ts_code"], run_key)

    def save_seen(self, run_key: int, stocks: pl.DataFrame) -> None:
        """Add stocks known by their bars alone (ts_code, market, exchange); instruments that are there stay."""
        with self.bars_lock(), self.transaction() as connection:
            connection.execute(INSTRUMENTS_LOCK)
            values = [{"run_key": run_key, **stock} for stock in stocks.iter_rows(named=True)]
            connection.cursor().executemany(statement("reference/add_instrument"), values)

    def save_index_members(self, run_key: int, index_code: str, members: pl.DataFrame) -> SavedLists:
        """Write an index's lists of some days, each as a whole; lists of other days stay.

        :param members: index_code, session (the list's day), ts_code, weight.
        """
        keys = ["index_code", "session", "ts_code"]
        came = {"sessions": members["session"].to_list(), "ts_codes": members["ts_code"].to_list()}
        with self.bars_lock(), self.transaction() as connection:
            connection.execute(MEMBERS_LOCK)
            merged = merge_revisions(connection, "index_members", members, keys, run_key)
            withdraw = statement("reference/withdraw_members")
            gone = connection.execute(withdraw, {"index_code": index_code, **came}).rowcount
        return SavedLists(members["session"].n_unique(), merged.inserted, merged.revised, withdrawn=gone)

    def save_names(self, run_key: int, names: pl.DataFrame, withdrawn: pl.DataFrame | None = None) -> SavedNames:
        """Write names over time, as ``name_periods`` makes them; a changed period becomes a new revision.

        :param withdrawn: ts_code, start_date and name of periods that the source has no more.
        """
        gone = pl.DataFrame(schema=_PERIOD) if withdrawn is None else withdrawn.select(*_PERIOD)
        lost = {"ts_codes": gone["ts_code"].to_list(), "days": gone["start_date"].to_list()}
        with self.bars_lock(), self.transaction() as connection:
            connection.execute(NAMES_LOCK)
            merged = merge_revisions(connection, "names", names, list(_PERIOD), run_key)
            if len(gone):
                connection.execute(statement("reference/withdraw_names"), lost | {"names": gone["name"].to_list()})
        return SavedNames(names.height, merged.inserted, merged.revised, gone.height)

    def instruments(self) -> pl.DataFrame:
        """Return the current instruments of all list states, sorted by ts_code."""

        text = dict.fromkeys(("ts_code", "name", "industry", "market", "exchange", "list_status"), pl.String)
        days = {"list_date": pl.Date, "delist_date": pl.Date}
        ended = {"end_reason": pl.String, "renamed_to": pl.String}
        return self.frame("reference/instruments", {**text, **days, **ended})

    def codes(self, known_at: datetime | None = None) -> Codes:
        """Return which codes are one stock.

        :param known_at: read what was known then; the present by default.
        """
        schema = {"ts_code": pl.String, "renamed_to": pl.String}
        if known_at is None:
            return Codes.of(self.frame("reference/renames", schema))
        return Codes.of(self.frame("reference/renames_known", schema, known_at=known_at))

    def gone_on(self) -> list[GoneOn]:
        """Return which listed codes may go on where others ended, that no list names or that were taken for gone.

        Both are of one exchange, the listed one lacked a bar on the other's last session, and close and factor of that
        one are pre_close and factor of the first bar.
        """
        return self.records(GoneOn, "reference/gone_on")

    def last_traded(self, codes: Sequence[str]) -> dict[str, date]:
        """Return the last session of each code that has a bar."""
        return self.mapping("reference/last_traded", codes=list(codes))

    def sessions(self, first: date, last: date) -> list[date]:
        """Return the confirmed trading days of the range, sorted."""
        return self.column("reference/sessions", first=first, last=last)

    def trading_days(self, first: date, last: date) -> list[date]:
        """Return the range's trading days, sorted: the shipped calendar's and, past its end, the confirmed ones.

        There the calendar takes each weekday for a session, a holiday too.
        """

        calendar = sse_calendar()
        known = calendar.between(first, min(last, calendar.known_through))
        return [*known, *self.sessions(max(first, calendar.known_through + timedelta(days=1)), last)]

    def names(self) -> pl.DataFrame:
        """Return names over time as the source has them: ts_code, name, start_date, end_date (or null), ann_date."""

        text = {"ts_code": pl.String, "name": pl.String}
        days = dict.fromkeys(("start_date", "end_date", "ann_date"), pl.Date)
        return self.frame("reference/names", {**text, **days})

    def moment(self) -> datetime:
        """Return the database's clock; under the exclusive `bars_lock` no bar is being written at that moment."""
        (moment,) = self.column("reference/moment")
        return cast("datetime", moment)

    def instruments_as_of(self, known_at: datetime) -> pl.DataFrame:
        """Return the instruments of all list states as they were known: ts_code, list_date, delist_date."""

        schema = {"ts_code": pl.String, "list_date": pl.Date, "delist_date": pl.Date}
        return self.frame("reference/instruments_as_of", schema, known_at=known_at)

    def industries_as_of(self, known_at: datetime) -> pl.DataFrame:
        """Return the industries over time as they were known: ts_code, industry, start_date.

        An industry begins on the day in Shanghai on which it was first seen: nobody knows since when it had been so.
        """

        schema = {"ts_code": pl.String, "industry": pl.String, "start_date": pl.Date}
        return self.frame("reference/industries_as_of", schema, known_at=known_at)

    def members_as_of(self, index_code: str, known_at: datetime) -> pl.DataFrame:
        """Return an index's lists of members as they were known: session (the list's day), ts_code; sorted by both."""

        return self.frame("reference/members_as_of", MEMBERS, index_code=index_code, known_at=known_at)

    def names_as_of(self, known_at: datetime) -> pl.DataFrame:
        """Return the names over time as they were known: ts_code, name, start_date, ann_date."""

        schema = {"ts_code": pl.String, "name": pl.String, "start_date": pl.Date, "ann_date": pl.Date}
        return self.frame("reference/names_as_of", schema, known_at=known_at)
