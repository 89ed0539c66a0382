"""An import at work: reference data first, then month by month, each a run of its own, then the features."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import cached_property
from itertools import groupby

from ljwx.core.bars import Capability
from ljwx.core.features import GROUPS
from ljwx.core.features.of_index import TABLE as LEVELS
from ljwx.core.features.of_index import IndexTable, index_table
from ljwx.core.features.tables import FactTable
from ljwx.core.sessions import unbroken
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.ingesting.facts import save_table
from ljwx.services.ingesting.features import write_features
from ljwx.services.ingesting.reference import refresh_reference
from ljwx.services.ingesting.sessions import ingest_linked, totals
from ljwx.settings import current_settings
from ljwx.sources.files.source import FileSource
from ljwx.sources.files.spool import Spool
from ljwx.sources.files.tables import DAILY
from ljwx.warehouse.market.bars import SavedDay
from ljwx.warehouse.runs import RunRef

READ, BARS, FEATURES = "read_files", "import_bars", "compute_features"
"""The tasks under which an import stands in `ljwx.runs`; `import_bars` has the month as its map index, 202601."""
WRITERS = 2
"""Sessions that are written at the same time: while the database takes one in, the next is made ready."""
Tell = Callable[[str], None]
"""Gets a line of progress now and then."""


@dataclass(frozen=True)
class Months:
    """What was written of some months.

    :param refused: rows that were put to quarantine.
    :param skipped: months that an earlier import had done.
    :param levels: of indexes, new or revised.
    :param kept: rows beside the bars that the source gave; those of the files are not written.
    """

    sessions: int = 0
    inserted: int = 0
    revised: int = 0
    refused: int = 0
    skipped: int = 0
    levels: int = 0
    kept: int = 0

    @classmethod
    def of(cls, saved: Sequence[SavedDay], facts: Mapping[str, int]) -> Months:
        """Count what was saved, day by day, and beside it by the names of the tables."""
        return cls(
            len({day.session for day in saved}), sum(day.inserted for day in saved), sum(day.revised for day in saved),
            sum(day.quarantined for day in saved),
            levels=facts.get(LEVELS.name, 0) + facts.get(f"{LEVELS.name}_revised", 0),
            kept=sum(count for name, count in facts.items() if name.endswith("_kept")),
        )  # fmt: skip

    def __add__(self, other: Months) -> Months:
        return Months(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


@dataclass(frozen=True, eq=False)
class Importer:
    """Writes what a spool holds.

    :param digest: of the contents of all files: an import that was killed is known by it.
    """

    warehouse: WarehouseHook
    digest: str
    tell: Tell

    @cached_property
    def _writers(self) -> tuple[WarehouseHook, ...]:
        return tuple(WarehouseHook(self.warehouse.postgres_conn_id) for _ in range(WRITERS))

    def run(self, task: str, part: int = -1) -> RunRef:
        """Return what a part of this import is called in `ljwx.runs`."""
        return RunRef("ljwx", f"import__{self.digest}", task, part)

    def write_reference(self, spool: Spool, files: dict[str, str]) -> None:
        """Write stocks and names where the warehouse has no list of its own: one in a file is older.

        :param files: the digest of each file's content, for the record.
        """
        key, source = self._start(READ, files=files), FileSource(spool)
        known = known_of_stocks(self.warehouse)
        outputs = {} if Capability.INSTRUMENTS in known else refresh_reference(self.warehouse, source, key)
        self.warehouse.save_unassigned_rejects(key, source.undated())
        self.warehouse.finish_run(key, **outputs)

    def write_months(self, spool: Spool, days: Sequence[date], *, again: bool) -> Months:
        """Write the months of some days that are not done yet.

        :param days: of bars, of levels of indexes, or of both, sorted.
        :param again: also those that are.
        """
        source = FileSource(spool, known_of_stocks(self.warehouse))
        finished = set() if again else set(self.warehouse.finished_parts(self.run(BARS)))
        months = [list(month) for _, month in groupby(days, key=month_of)]
        left = [month for month in months if month_of(month[0]) not in finished]
        pace, done = _Pace(sum(map(len, left)), self.tell), Months(skipped=len(months) - len(left))
        for month in left:
            written = self._month(source, spool.days(DAILY.name), month)
            pace.tell(month, written)
            done += written
        return done

    def write_features(self) -> int:
        """Write the features of all sessions that have changed, and of those after them; return the rows."""
        self.tell("features")
        key = self._start(FEATURES)
        with self.warehouse.bars_lock(exclusive=True):
            _, written = write_features(self.warehouse, key)
        self.warehouse.finish_run(key, inserted=written.inserted, revised=written.revised)
        return written.inserted + written.revised

    def _month(self, source: FileSource, with_bars: Collection[date], month: Sequence[date]) -> Months:
        """Write a month's sessions; where one is missing between them, what is before and after by itself.

        A complete session that the source gave is newer than a file, and keeps its bars; so do its rows beside them.
        """
        key = self._start(BARS, month_of(month[0]), first=f"{month[0]}", last=f"{month[-1]}")
        days = [day for day in month if day in with_bars]
        given = set(self.warehouse.given_sessions(month[0], month[-1])).intersection(days)
        if given:
            self.tell(f"{month[0]:%Y-%m}: {len(given)} complete sessions of the source keep their bars")
        saved: list[SavedDay] = []
        for sessions in self._parts([day for day in days if day not in given]):
            self.warehouse.save_sessions(key, sessions)
            saved += ingest_linked(source, self.warehouse, key, sessions, writers=self._writers)[1]
        facts = self._beside(source, key, days, month)
        self.warehouse.finish_run(key, **totals(saved), **facts)
        return Months.of(saved, facts)

    def _beside(self, source: FileSource, key: int, days: Sequence[date], month: Sequence[date]) -> Counter[str]:
        """Write what the files hold beside the bars: tables of groups, and levels on days without bars too."""
        facts: Counter[str] = Counter()
        asked: list[tuple[FactTable, Sequence[date]]] = []
        asked += [(table, sessions) for sessions in self._parts(days) for table in _tables(source)]
        asked += [(index_table(code), month) for code in source.indexes(month)]
        for table, sessions in asked:
            facts.update(save_table(source, self.warehouse, key, table, sessions, given_stay=True))
        for name, count in facts.items():
            if name.endswith("_kept"):
                line = f"{count} rows of {name.removesuffix('_kept')} that the source gave stay as they are"
                self.tell(f"{month[0]:%Y-%m}: {line}")
        return facts

    def _parts(self, days: Sequence[date]) -> Iterator[list[date]]:
        """Return days in parts between whose sessions none is left out."""
        if days:
            for first, last in unbroken(days, self.warehouse.trading_days(days[0], days[-1])):
                yield [day for day in days if first <= day <= last]

    def _start(self, task: str, part: int = -1, **inputs: object) -> int:
        settings = current_settings().model_dump(mode="json")
        return self.warehouse.start_run(self.run(task, part), source="files", **inputs, settings=settings)


def known_of_stocks(warehouse: WarehouseHook) -> frozenset[Capability]:
    """Return what the warehouse knows of the stocks, by lists and not by their bars alone."""
    listed = warehouse.instruments().get_column("list_date").is_not_null().any()
    there = {Capability.INSTRUMENTS: listed, Capability.NAMES: not warehouse.names().is_empty()}
    return frozenset(capability for capability, known in there.items() if known)


def month_of(day: date) -> int:
    """Return a day's month as a number, 202601."""
    return day.year * 100 + day.month


class _Pace:
    """Says after each month how far the import is, and how long it takes."""

    def __init__(self, sessions: int, tell: Tell) -> None:
        self._all, self._left, self._tell = sessions, sessions, tell
        self._begun, self._rows = time.monotonic(), 0

    def tell(self, month: Sequence[date], written: Months) -> None:
        """Say what became of a month."""
        self._left -= len(month)
        self._rows += written.inserted
        taken = time.monotonic() - self._begun
        ahead = taken / (self._all - self._left) * self._left / 60
        self._tell(
            f"{month[0]:%Y-%m}: {len(month)} sessions, {written.inserted} bars new, {written.revised} revised, "
            f"{written.refused} rows refused; {self._rows / taken:,.0f} new bars a second; "
            f"{self._left} sessions left, about {ahead:.0f} min"
        )


def _tables(source: FileSource) -> Iterator[FactTable]:
    """Yield the tables of groups that the files hold."""
    for group in GROUPS:
        table = group.table
        if table is not None and not isinstance(table, IndexTable) and not source.lacks(table.capability):
            yield table
