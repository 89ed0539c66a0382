"""Bars: reference data, sessions' bars with what was refused, and how whole each session is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ljwx.hooks.warehouse.base import WarehouseBase, statement
from ljwx.hooks.warehouse.revisions import Merged, merge_revisions

if TYPE_CHECKING:
    import polars as pl

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


class BarsVerbs(WarehouseBase):
    """Verbs of the stage `bars`."""

    def save_sessions(self, run_key: int, sessions: Sequence[date]) -> None:
        """Add confirmed trading days; known ones stay as they are."""
        with self.transaction() as connection:
            values = [{"session": session, "run_key": run_key} for session in sessions]
            connection.cursor().executemany(statement("bars/add_session"), values)

    def save_instruments(self, run_key: int, instruments: pl.DataFrame) -> Merged:
        """Write stocks of all list states; a changed one becomes a new revision."""
        with self.transaction() as connection:
            return merge_revisions(connection, "instruments", instruments, ["ts_code"], run_key)

    def save_names(self, run_key: int, names: Iterable[dict[str, Any]]) -> None:
        """Add names over time; a name that ends gets its end date."""
        with self.transaction() as connection:
            connection.cursor().executemany(statement("bars/add_name"), [row | {"run_key": run_key} for row in names])

    def save_day(
        self,
        run_key: int,
        day: dict[str, Any],
        bars: pl.DataFrame,
        quarantine: Iterable[dict[str, Any]],
        suspensions: Iterable[dict[str, Any]],
    ) -> SavedDay:
        """Write one session in one transaction: as a whole, or not at all.

        :param day: session and the counts of `ljwx.ingest_days`.
        :param bars: columns session, ts_code, MEASURES, flags.
        :param quarantine: session (null where it names none), ts_code, reasons and raw (JSON text) of each refused row.
        :param suspensions: ts_code, kind and timing.
        """
        session = day["session"]
        with self.transaction() as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT ljwx.ensure_years(%s, %s)", (session, session))
            cursor.execute(SESSION_LOCK, (session.toordinal(),))
            merged = merge_revisions(connection, "bars", bars, ["session", "ts_code"], run_key)
            refused = [_refused(run_key, row) for row in quarantine]
            cursor.executemany(statement("bars/add_quarantine"), refused)
            stopped = [{"session": session, "run_key": run_key, **row} for row in suspensions]
            cursor.executemany(statement("bars/add_suspension"), stopped)
            cursor.execute(statement("bars/set_day"), {"run_key": run_key, **day})
        return SavedDay(session, merged.inserted, merged.revised, len(refused))

    def bars(self, first: date, last: date) -> pl.DataFrame:
        """Return the current bars of the complete sessions in the range, sorted by stock and session."""
        return self._bars("bars/current", first=first, last=last)

    def bars_with_look_back(self, since: date, look_back: int) -> pl.DataFrame:
        """Return the current bars of the complete sessions from `since` on, and `look_back` of each stock before."""
        return self._bars("bars/with_look_back", since=since, look_back=look_back)

    def save_strays(self, run_key: int, quarantine: Iterable[dict[str, Any]]) -> None:
        """Write refused rows that belong to no session of a range."""
        with self.transaction() as connection:
            refused = [_refused(run_key, row) for row in quarantine]
            connection.cursor().executemany(statement("bars/add_quarantine"), refused)

    def _bars(self, query: str, **values: Any) -> pl.DataFrame:
        import polars as pl

        schema = {"ts_code": pl.String, "session": pl.Date, **dict.fromkeys(MEASURES, pl.Float64), "flags": pl.String}
        flags = pl.col("flags").str.strip_chars("{}").str.split(",").list.filter(pl.element() != "")
        return self.frame(query, schema, **values).with_columns(flags)

    def instruments(self) -> pl.DataFrame:
        """Return the current instruments of all list states, sorted by ts_code."""
        import polars as pl

        text = dict.fromkeys(("ts_code", "name", "industry", "market", "exchange", "list_status"), pl.String)
        return self.frame("bars/instruments", {**text, "list_date": pl.Date, "delist_date": pl.Date})

    def sessions(self, first: date, last: date) -> list[date]:
        """Return the confirmed trading days of the range, sorted."""
        return [row["session"] for row in self.rows("bars/sessions", first=first, last=last)]

    def complete_sessions(self, first: date | None = None, last: date | None = None) -> list[date]:
        """Return the complete sessions of the range, sorted."""
        return [row["session"] for row in self.rows("bars/complete_sessions", first=first, last=last)]

    def names(self) -> pl.DataFrame:
        """Return names over time: ts_code, name, start_date, end_date (null: still on)."""
        import polars as pl

        text = {"ts_code": pl.String, "name": pl.String}
        return self.frame("bars/names", {**text, "start_date": pl.Date, "end_date": pl.Date})


def _refused(run_key: int, row: dict[str, Any]) -> dict[str, Any]:
    text = str(row["raw"])
    return {
        "session": row["session"], "run_key": run_key, "ts_code": row["ts_code"], "reasons": list(row["reasons"]),
        "raw": text, "raw_sha256": sha256(text.encode()).hexdigest(),
    }  # fmt: skip
