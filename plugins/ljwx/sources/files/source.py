"""Files of TuShare's tables behind the interface of a source: what they hold of some sessions, in canonical frames."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date
from typing import Any

import polars as pl

from ljwx.core.bars import FETCHED_BARS, QUARANTINE, RAW, Capability, SourceRows
from ljwx.core.bars.canonical import EVERYTHING
from ljwx.exceptions import ConfigurationError
from ljwx.sources.base import MarketSource, Terms
from ljwx.sources.files.spool import Spool
from ljwx.sources.files.tables import DAILY, INDEX_DAILY, TABLES
from ljwx.sources.rows import NUMBERS, as_date, fetched_bars
from ljwx.sources.tushare import rows

ALWAYS = frozenset({Capability.CALENDAR, Capability.AMOUNTS, Capability.REFERENCES})
"""Bars have an amount and a pre_close; and which days were open is known, because no other day is read."""
Reader = Callable[[pl.DataFrame, Collection[str] | None], SourceRows]


class FileSource(MarketSource):
    """What a spool of files holds.

    :param known: what the files need not give, because the warehouse has it already.
    """

    offers = EVERYTHING - {Capability.MEMBERS}
    terms = Terms(
        gives="what is in the files",
        lacks="what is not in them",
        costs="nothing",
        allows="the terms of the source that the files are from go on to hold",
    )

    def __init__(self, spool: Spool, known: Iterable[Capability] = ()) -> None:
        given = {table.capability for table in TABLES if table.name in spool.tables}
        super().__init__(self.offers - given - ALWAYS - set(known))
        self._spool = spool

    @classmethod
    def of_connection(cls, *_: Any, **__: Any) -> FileSource:
        """Refuse: files are named to the command that imports them.

        :raises ConfigurationError: always.
        """
        raise ConfigurationError("files are no connection; `ljwx import` takes them")

    def test(self) -> tuple[bool, str]:
        """Say which tables there are."""
        return DAILY.name in self._spool.tables, f"tables: {', '.join(sorted(self._spool.tables))}"

    def gave(self, capability: Capability, session: date) -> bool:
        """Say whether the files have a session's rows; a day without suspensions has none and lies between others."""
        table = next((each for each in TABLES if each.capability is capability and each.is_of_days), None)
        if table is None or self.lacks(capability):
            return not self.lacks(capability)
        days = self._spool.days(table.name)
        if capability is Capability.SUSPENSIONS:
            return min(days) <= session <= max(days)
        return session in days

    def bars(self, sessions: Sequence[date]) -> pl.DataFrame:
        """Return the bars of some sessions, equal rows once; none where the files have none."""
        wire = self._spool.read(DAILY.name, sessions)
        if wire is None:
            return pl.DataFrame(schema=FETCHED_BARS)
        repeated = wire.n_unique(("ts_code", "trade_date")) < wire.height
        return fetched_bars(wire.unique(maintain_order=True) if repeated else wire)

    def undated(self) -> pl.DataFrame:
        """Return the rows whose day cannot be read, as columns of ``QUARANTINE``: they belong to no session."""
        found = [pl.DataFrame(schema=QUARANTINE)]
        for table, wire in self._spool.undated().items():
            row = pl.struct(name for name in wire.columns if name != RAW).struct.json_encode()
            reason = "keys" if table == DAILY.name else f"{table}:keys"
            kept = wire.select(
                "ts_code", session=as_date("trade_date"), reasons=pl.lit([reason]), raw=pl.coalesce(RAW, row)
            )
            found.append(kept.cast(QUARANTINE))
        return pl.concat(found)

    def instruments(self) -> SourceRows | None:
        """Return the stocks of all list states."""
        wire = self._spool.whole(Capability.INSTRUMENTS.value)
        return None if wire is None else rows.instruments(wire)

    def names(self) -> SourceRows | None:
        """Return the names over time of all stocks."""
        wire = self._spool.whole(Capability.NAMES.value)
        return None if wire is None else rows.names(wire)

    def renames(self) -> SourceRows | None:
        """Return the codes of the Beijing exchange that others took the place of."""
        wire = self._spool.whole(Capability.RENAMES.value)
        return None if wire is None else rows.renames(wire)

    def factors(self, sessions: Sequence[date]) -> SourceRows | None:
        """Return the adjustment factors of some sessions."""
        return self._of_days(Capability.FACTORS, rows.factors, sessions)

    def limits(self, sessions: Sequence[date]) -> SourceRows | None:
        """Return the limit prices of some sessions."""
        return self._of_days(Capability.LIMITS, rows.limits, sessions)

    def suspensions(self, sessions: Sequence[date]) -> SourceRows | None:
        """Return the suspensions and resumptions of some sessions."""
        return self._of_days(Capability.SUSPENSIONS, rows.suspensions, sessions)

    def facts(self, capability: Capability, sessions: Sequence[date]) -> SourceRows | None:
        """Return what the table of a feature group holds of some sessions."""
        readers = {Capability.VALUATION: rows.valuations, Capability.MONEY_FLOW: rows.money_flows}
        return self._of_days(capability, readers[capability], sessions) if capability in readers else None

    def indexes(self, sessions: Sequence[date]) -> list[str]:
        """Return the codes of the indexes that the files have levels of, on some sessions."""
        wire = self._spool.read(INDEX_DAILY.name, sessions)
        return [] if wire is None else wire["ts_code"].unique().sort().to_list()

    def index_bars(self, index_code: str, sessions: Sequence[date]) -> SourceRows | None:
        """Return an index's levels of some sessions."""
        wire = self._spool.read(INDEX_DAILY.name, sessions)
        if wire is None:
            return None
        days = [f"{day:%Y%m%d}" for day in sessions]
        return rows.index_bars(wire.filter(ts_code=index_code), index_code, days)

    def _of_days(self, capability: Capability, read: Reader, sessions: Sequence[date]) -> SourceRows | None:
        """Return rows, none where the files have none of these sessions; None where they lack the capability."""
        if self.lacks(capability):
            return None
        wire = self._spool.read(capability.value, sessions)
        return read(_no_rows(capability) if wire is None else wire, [f"{day:%Y%m%d}" for day in sessions])


def _no_rows(capability: Capability) -> pl.DataFrame:
    (columns,) = (table.columns for table in TABLES if table.capability is capability)
    return pl.DataFrame(schema={name: pl.Float64 if name in NUMBERS else pl.String for name in (*columns, RAW)})
