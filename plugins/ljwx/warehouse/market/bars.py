"""Bars: sessions' bars with the rejected rows, and how whole each session is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import polars as pl
from psycopg import Cursor

from ljwx.core.bars import (
    JOINED,
    LONGEST_OUTCOME,
    QUARANTINE,
    RAW,
    UNRENAMED,
    Capability,
    Codes,
    chained_for_features,
    chained_for_outcomes,
)
from ljwx.core.bars.canonical import SUSPENSIONS
from ljwx.core.bars.codes import TRADED
from ljwx.core.bars.frame import KEYS
from ljwx.core.bars.rules import REPEATED
from ljwx.core.features import inputs
from ljwx.warehouse.base import statement
from ljwx.warehouse.market.reference import ReferenceVerbs
from ljwx.warehouse.market.revisions import merge_revisions

if TYPE_CHECKING:
    Chain = Callable[[pl.DataFrame, Sequence[date]], pl.DataFrame]

PRICES = ("open", "high", "low", "close", "pre_close", "vol", "amount", "ah_vol", "ah_amount")
MEASURES = (*PRICES, "adj_factor", "up_limit", "down_limit")
STOCK_BARS = ("open", "high", "low", "close", "vol", "amount", "adj_factor")

SESSION_LOCK = "SELECT pg_advisory_xact_lock(hashtext('ljwx.bars'), %s)"
"""Two runs of the same session write one after the other: the second finds nothing to change."""


@dataclass(frozen=True)
class IngestDay:
    """How whole a session is: a row of `ljwx.ingest_days`.

    :param complete: later stages see the session.
    :param missing: codes that should have a bar, and have neither one nor a rejected row.
    :param absent: stored names of the capabilities that the source lacked.
    :param deferred: those of them that it has, but had no room for.
    """

    session: date
    complete: bool
    expected: int
    received: int
    quarantined: int
    suspended: int
    unfactored: int = 0
    missing: Sequence[str] = ()
    absent: Sequence[str] = ()
    deferred: Sequence[str] = ()


@dataclass(frozen=True)
class SavedDay:
    """What one session's transaction changed."""

    session: date
    inserted: int
    revised: int
    quarantined: int
    withdrawn: int = 0


@dataclass(frozen=True)
class FetchedDay:
    """A session that was fetched before, and the capabilities that its source lacked, or had no room for."""

    session: date
    complete: bool
    absent: Sequence[str]
    deferred: Sequence[str] = ()


@dataclass(frozen=True)
class KnownDay:
    """A session of the calendar or of a fetch; counts are None before a fetch.

    :param missing: how many codes.
    :param deferred: stored names of the capabilities that its source had no room for.
    """

    session: date
    fetched: bool
    complete: bool
    expected: int | None
    received: int | None
    quarantined: int | None
    missing: int | None
    unfactored: int | None
    deferred: Sequence[str]


class BarsVerbs(ReferenceVerbs):
    """Verbs of the stage `bars`."""

    def save_day(
        self,
        run_key: int,
        day: IngestDay,
        bars: pl.DataFrame,
        rejected: pl.DataFrame | None = None,
        suspensions: pl.DataFrame | None = None,
    ) -> SavedDay:
        """Write one session in one transaction: as a whole, or not at all.

        A bar that is there and did not come again is current no more when the day is complete and its stock was not
        to have one, or only one that is rejected. A bar that is missing, on a complete day too, may be late; so may any
        on an incomplete day, or where no list of stocks says which are to come.

        :param bars: columns session, ts_code, MEASURES, flags.
        :param rejected: columns of ``QUARANTINE``.
        :param suspensions: ts_code, kind and timing.
        """
        session = day.session
        with self.bars_lock(), self.transaction() as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT ljwx.ensure_years(%s, %s)", (session, session))
            cursor.execute(SESSION_LOCK, (session.toordinal(),))
            merged = merge_revisions(connection, "bars", bars, ["session", "ts_code"], run_key)
            withdrawn = 0
            if day.complete and Capability.INSTRUMENTS.value not in day.absent:
                # One text: thousands of codes in a list cost more than the answer.
                codes = {"present": bars["ts_code"].str.join(",").item(), "missing": list(day.missing)}
                withdrawn = cursor.execute(statement("bars/withdraw"), {"session": session, **codes}).rowcount
            quarantine = _quarantine(run_key, rejected)
            cursor.executemany(statement("bars/add_quarantine"), quarantine)
            stopped = () if suspensions is None else suspensions.iter_rows(named=True)
            halts = [{"session": session, "run_key": run_key, **row} for row in stopped]
            cursor.executemany(statement("bars/add_suspension"), halts)
            _set_day(cursor, run_key, day)
        return SavedDay(session, merged.inserted, merged.revised, len(quarantine), withdrawn)

    def save_counts(self, run_key: int, days: Sequence[IngestDay]) -> None:
        """Write how whole sessions are, whose bars stay as they are."""
        with self.bars_lock(), self.transaction() as connection:
            for day in days:
                connection.execute(SESSION_LOCK, (day.session.toordinal(),))
                _set_day(connection.cursor(), run_key, day)

    def bars(self, first: date, last: date, known_at: datetime | None = None, reach: int | None = None) -> pl.DataFrame:
        """Return the bars of the complete sessions in the range, sorted by stock and session.

        Where the source had no factors they are chained, and null where an outcome could reach over a break.

        :param known_at: read what was known then: revisions and complete sessions; the current ones by default.
        :param reach: sessions that an outcome may span, the roll of its exit included; by default as many as any may.
        """

        chain = partial(chained_for_outcomes, reach=LONGEST_OUTCOME if reach is None else reach)
        codes = self.codes(known_at)
        if known_at is None:
            return self._bars("bars/current", chain, codes, first=first, last=last)
        return self._bars("bars/known", chain, codes, first=first, last=last, known_at=known_at)

    def bars_with_look_back(
        self, since: date, look_back: int, stocks: Sequence[str] | None = None, codes: Codes = UNRENAMED
    ) -> pl.DataFrame:
        """Return what features read of the complete sessions' bars from `since` on, and `look_back` of each before.

        Where the source had no factors they are chained, and `run` numbers what each stock's breaks leave unbroken.

        :param stocks: only these codes; all by default.
        :param codes: rows of a renamed stock are together, as ``Codes.as_stocks`` makes them.
        """

        query, chosen = "bars/with_look_back", None if stocks is None else list(stocks)
        wanted = {"since": since, "look_back": look_back, "stocks": chosen}
        frame = codes.as_stocks(self._read_bars(query, inputs(), **wanted))
        if TRADED in frame.columns:
            back = pl.int_range(pl.len()).reverse().over("ts_code") - (pl.col("session") >= since).sum().over("ts_code")
            frame = frame.filter(back < look_back)
        return self._chained(frame, chained_for_features)

    def stock_bars(self, codes: Sequence[str], newest_code: str, newest: int) -> pl.DataFrame:
        """Return the newest bars of a stock's codes, one a session, with null where the source had no factor."""
        schema = {"session": pl.Date, **dict.fromkeys(STOCK_BARS, pl.Float64)}
        return self.frame("bars/of_stock", schema, codes=list(codes), newest_code=newest_code, newest=newest)

    def last_bars(self, first: date, last: date) -> pl.DataFrame:
        """Return ts_code, session, adj_factor and ``REPEATED`` of each code's last bar in the range.

        A code with a rejected row after that bar has none, unless that row stands for no trade.
        """

        values = dict.fromkeys(("adj_factor", *REPEATED), pl.Float64)
        return self.frame(
            "bars/last_before", {"ts_code": pl.String, "session": pl.Date, **values}, first=first, last=last
        )

    def joined_values(self, sessions: Sequence[date]) -> pl.DataFrame:
        """Return what is stored of some sessions' bars besides the quotes: ts_code, session and ``JOINED``."""
        schema = {"ts_code": pl.String, "session": pl.Date, **dict.fromkeys(JOINED, pl.Float64)}
        return self.frame("bars/joined", schema, sessions=list(sessions))

    def suspensions(self, sessions: Sequence[date]) -> pl.DataFrame:
        """Return every suspension and resumption that is stored of some sessions: columns of ``SUSPENSIONS``."""
        return self.frame("bars/suspensions", SUSPENSIONS, sessions=list(sessions))

    def save_unassigned_rejects(self, run_key: int, rejected: pl.DataFrame) -> None:
        """Write rejected rows that belong to no session of a range: columns of ``QUARANTINE``."""
        with self.transaction() as connection:
            connection.cursor().executemany(statement("bars/add_quarantine"), _quarantine(run_key, rejected))

    def _bars(self, query: str, chain: Chain, codes: Codes, **values: Any) -> pl.DataFrame:
        """Read bars, and chain the factors of each stock where the source had none; rows stay under their codes."""
        frame = self._read_bars(query, None, **values)
        if not frame["unfactored"].any():
            return frame.drop("unfactored")
        stocks = codes.as_stocks(frame)
        return (
            codes.as_traded(self._chained(stocks, chain), stocks).select(*frame.drop("unfactored").columns).sort(KEYS)
        )

    def _read_bars(self, query: str, read: tuple[str, ...] | None, **values: Any) -> pl.DataFrame:
        """Read bars, with `unfactored`: whether the source had no factors on their day.

        :param read: the columns that the query leaves open; None where it names all of them itself.
        """
        columns = (*MEASURES, "flags") if read is None else read
        kinds: dict[str, Any] = {"ts_code": pl.String, "session": pl.Date, "flags": pl.String}
        schema = {name: kinds.get(name, pl.Float64) for name in ("ts_code", "session", *columns)}
        schema["unfactored"] = pl.String
        open_columns = None if read is None else {"b": read}
        frame = self.frame(query, schema, columns=open_columns, **values)
        frame = frame.with_columns(unfactored=pl.col("unfactored") == "t")
        if "flags" in columns:
            flags = pl.col("flags").str.strip_chars("{}").str.split(",")
            frame = frame.with_columns(flags.list.filter(pl.element() != ""))
        return frame

    def _chained(self, frame: pl.DataFrame, chain: Chain) -> pl.DataFrame:
        if not frame["unfactored"].any():
            return frame.drop("unfactored")
        days = frame["session"].unique().sort().to_list()
        return chain(frame, self.trading_days(days[0], days[-1])).drop("unfactored")

    def days(self, first: date, last: date) -> list[FetchedDay]:
        """Return the sessions in the range that were fetched before, sorted."""
        return self.records(FetchedDay, "bars/days", first=first, last=last)

    def given_sessions(self, first: date, last: date) -> list[date]:
        """Return the complete sessions of the range that a source gave, and no file, sorted."""
        return self.column("bars/given", first=first, last=last)

    def incomplete_days(self, codes: Sequence[str]) -> list[IngestDay]:
        """Return the incomplete sessions that lack one of some codes, sorted; none that was counted without a list."""
        return self.records(IngestDay, "bars/incomplete_days", codes=list(codes))

    def silent(self, sessions: int) -> list[str]:
        """Return the codes that were expected and had no bar on each of the last sessions, so many, of the warehouse.

        Sessions of which most bars came count; those without a list of stocks do not.
        """
        return self.column("bars/silent", sessions=sessions)

    def traded(self, first: date, last: date, codes: Sequence[str]) -> pl.DataFrame:
        """Return session and ts_code of the bars of some codes in the range."""
        schema = {"session": pl.Date, "ts_code": pl.String}
        return self.frame("bars/traded", schema, first=first, last=last, codes=list(codes))

    def known_days(self) -> list[KnownDay]:
        """Return each known session, fetched or not, sorted."""
        return self.records(KnownDay, "bars/known_days")

    def complete_sessions(self, first: date | None = None, last: date | None = None) -> list[date]:
        """Return the complete sessions of the range, sorted."""
        return self.column("bars/complete_sessions", first=first, last=last)


def _set_day(cursor: Cursor[Any], run_key: int, day: IngestDay) -> None:
    lists = {name: list(getattr(day, name)) for name in ("missing", "absent", "deferred")}
    counts = {**vars(day), **lists, "run_key": run_key}
    for name in ("bars/set_day", "bars/close_day", "bars/open_day"):
        cursor.execute(statement(name), counts)


def _quarantine(run_key: int, rejected: pl.DataFrame | None) -> list[dict[str, Any]]:
    """Return the values of `ljwx.quarantine`; a row is recognised by the digest of its JSON."""
    if rejected is None:
        return []
    digests = (sha256(raw.encode()).hexdigest() for raw in rejected[RAW])
    rows = zip(rejected.select(QUARANTINE.names()).iter_rows(named=True), digests, strict=True)
    return [{**row, "raw_sha256": digest, "run_key": run_key} for row, digest in rows]
