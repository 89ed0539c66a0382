"""Bars: sessions' bars with what was refused, and how whole each session is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import polars as pl

from ljwx.core.bars import LONGEST_OUTCOME, chained_for_features, chained_for_outcomes
from ljwx.core.features import inputs
from ljwx.warehouse.base import statement
from ljwx.warehouse.reference import ReferenceVerbs
from ljwx.warehouse.revisions import merge_revisions

if TYPE_CHECKING:
    Chain = Callable[[pl.DataFrame, Sequence[date]], pl.DataFrame]

PRICES = ("open", "high", "low", "close", "pre_close", "vol", "amount", "ah_vol", "ah_amount")
MEASURES = (*PRICES, "adj_factor", "up_limit", "down_limit")

SESSION_LOCK = "SELECT pg_advisory_xact_lock(hashtext('ljwx.bars'), %s)"
"""Two runs of the same session write one after the other: the second finds nothing to change."""


@dataclass(frozen=True)
class SavedDay:
    """What one session's transaction changed."""

    session: date
    inserted: int
    revised: int
    quarantined: int
    withdrawn: int = 0


class BarsVerbs(ReferenceVerbs):
    """Verbs of the stage `bars`."""

    def save_day(
        self,
        run_key: int,
        day: dict[str, Any],
        bars: pl.DataFrame,
        quarantine: Iterable[dict[str, Any]],
        suspensions: Iterable[dict[str, Any]],
    ) -> SavedDay:
        """Write one session in one transaction: as a whole, or not at all.

        A bar that is there and did not come again is current no more when the day is complete and its stock was not
        to have one, or only one that is refused. A bar that is missing, on a complete day too, may be late; so may any
        on an incomplete day, or where no list of stocks says which are to come.

        :param day: session and the counts of `ljwx.ingest_days`; `absent`, when not every interface was there.
        :param bars: columns session, ts_code, MEASURES, flags.
        :param quarantine: session (null where it names none), ts_code, reasons and raw (JSON text) of each refused row.
        :param suspensions: ts_code, kind and timing.
        """
        session, counts = day["session"], {"run_key": run_key, "absent": [], "unfactored": 0, **day}
        with self.bars_lock(), self.transaction() as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT ljwx.ensure_years(%s, %s)", (session, session))
            cursor.execute(SESSION_LOCK, (session.toordinal(),))
            merged = merge_revisions(connection, "bars", bars, ["session", "ts_code"], run_key)
            withdrawn = 0
            if counts["complete"] and "stock_basic" not in counts["absent"]:
                codes = {"present": bars["ts_code"].to_list(), "missing": counts["missing"]}
                withdrawn = cursor.execute(statement("bars/withdraw"), {"session": session, **codes}).rowcount
            refused = [_refused(run_key, row) for row in quarantine]
            cursor.executemany(statement("bars/add_quarantine"), refused)
            stopped = [{"session": session, "run_key": run_key, **row} for row in suspensions]
            cursor.executemany(statement("bars/add_suspension"), stopped)
            for name in ("bars/set_day", "bars/close_day", "bars/open_day"):
                cursor.execute(statement(name), counts)
        return SavedDay(session, merged.inserted, merged.revised, len(refused), withdrawn)

    def bars(self, first: date, last: date, known_at: datetime | None = None, reach: int | None = None) -> pl.DataFrame:
        """Return the bars of the complete sessions in the range, sorted by stock and session.

        Where the tier had no factors they are chained, and null where an outcome could reach over a break.

        :param known_at: read what was known then: revisions and complete sessions; the current ones by default.
        :param reach: sessions that an outcome may span, the roll of its exit included; by default as many as any may.
        """

        chain = partial(chained_for_outcomes, reach=LONGEST_OUTCOME if reach is None else reach)
        if known_at is None:
            return self._bars("bars/current", chain, first=first, last=last)
        return self._bars("bars/known", chain, first=first, last=last, known_at=known_at)

    def bars_with_look_back(self, since: date, look_back: int, stocks: Sequence[str] | None = None) -> pl.DataFrame:
        """Return what features read of the complete sessions' bars from `since` on, and `look_back` of each before.

        Where the tier had no factors they are chained, and `run` numbers what each stock's breaks leave unbroken.

        :param stocks: only these; all by default.
        """

        query, chosen = "bars/with_look_back", None if stocks is None else list(stocks)
        wanted = {"since": since, "look_back": look_back, "stocks": chosen}
        return self._bars(query, chained_for_features, read=inputs(), **wanted)

    def last_bars(self, first: date, last: date) -> pl.DataFrame:
        """Return ts_code, close and adj_factor of each stock's last bar in the range.

        A stock with a refused row after that bar has none.
        """

        schema = {"ts_code": pl.String, "close": pl.Float64, "adj_factor": pl.Float64}
        return self.frame("bars/last_before", schema, first=first, last=last)

    def save_unassigned_rejects(self, run_key: int, quarantine: Iterable[dict[str, Any]]) -> None:
        """Write refused rows that belong to no session of a range."""
        with self.transaction() as connection:
            refused = [_refused(run_key, row) for row in quarantine]
            connection.cursor().executemany(statement("bars/add_quarantine"), refused)

    def _bars(self, query: str, chain: Chain, *, read: tuple[str, ...] | None = None, **values: Any) -> pl.DataFrame:
        """Read bars, and chain factors where the tier had none.

        :param read: the columns that the query leaves open; by default it names all of them itself.
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
        if not frame["unfactored"].any():
            return frame.drop("unfactored")
        days = frame["session"].unique().sort().to_list()
        return chain(frame, self.trading_days(days[0], days[-1])).drop("unfactored")

    def days(self, first: date, last: date) -> list[dict[str, Any]]:
        """Return session, complete and absent of the sessions in the range that were fetched before, sorted."""
        return self.rows("bars/days", first=first, last=last)

    def known_days(self) -> list[dict[str, Any]]:
        """Return each known session, fetched or not, and the counts of its bars, null before a fetch."""
        return self.rows("bars/known_days")

    def complete_sessions(self, first: date | None = None, last: date | None = None) -> list[date]:
        """Return the complete sessions of the range, sorted."""
        return [row["session"] for row in self.rows("bars/complete_sessions", first=first, last=last)]


def _refused(run_key: int, row: dict[str, Any]) -> dict[str, Any]:
    text = str(row["raw"])
    return {
        "session": row["session"], "run_key": run_key, "ts_code": row["ts_code"], "reasons": list(row["reasons"]),
        "raw": text, "raw_sha256": sha256(text.encode()).hexdigest(),
    }  # fmt: skip
