"""Files into the spool, and what is wrong with them: all of it is said before anything is written."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from ljwx.core.bars import RAW
from ljwx.core.sessions import Calendar
from ljwx.exceptions import Busy, ConfigurationError
from ljwx.resources import data_folder
from ljwx.services.importing.files import Found
from ljwx.sources.files.reading import MarketFile, as_wire
from ljwx.sources.files.spool import Spool
from ljwx.sources.files.tables import CODES, DAILY, INDEX, INDEX_DAILY, TABLES, FileTable
from ljwx.sources.rows import as_date

CODE = r"^\d{6}\.(SH|SZ|BJ)$"
NAMED = 3
"""How many days a message names."""
BAD_SHARE = 0.5
"""Of a file's rows at most may be unreadable; with more the file is not what it seems."""


@contextmanager
def spool_folder() -> Iterator[Path]:
    """Lend an empty folder below the data folder, to one import at a time; nothing is left there afterwards.

    :raises Busy: another import has it.
    """
    root = data_folder()
    home = (Path(tempfile.gettempdir()) / "ljwx" if "://" in root else Path(root)) / "import"
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Busy("another `ljwx import` is at work; let it end first") from None
        folder = home / "spool"
        shutil.rmtree(folder, ignore_errors=True)  # of one that was killed
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def spooled(found: Found, folder: Path, report: Callable[[int], None]) -> Spool:
    """Put all rows of some files into a spool.

    :param report: called with the number of files that are read, now and then.
    :raises ConfigurationError: a file breaks off, or most of its rows cannot be read.
    """
    spool = Spool(folder)
    for number, file in enumerate(found.used, 1):
        _spool_file(file, spool)
        report(number)
    spool.close()
    return spool


@dataclass(frozen=True)
class Days:
    """The sessions of a spool, sorted: those with bars, and those with levels of an index; one of them has some.

    :param lost: days of other tables without bars, whose rows are not written: how many, by the table's name.
    """

    bars: tuple[date, ...]
    levels: tuple[date, ...]
    lost: Mapping[str, int]

    @property
    def all(self) -> list[date]:
        """Every session of which something is written."""
        return sorted({*self.bars, *self.levels})


def days_of(spool: Spool, calendar: Calendar, today: date) -> Days:
    """Return the sessions of which there are bars, or levels of an index.

    :raises ConfigurationError: there are none, or some are of days without a session: before the shipped calendar
        begins, on closed days, past its end, or still to come.
    """
    bars, levels = sorted(spool.days(DAILY.name)), sorted(spool.days(INDEX_DAILY.name))
    if not bars and not levels:
        raise ConfigurationError("the files of daily have no row with a day")
    _require_sessions("bars", bars, calendar, today)
    _require_sessions("levels of indexes", levels, calendar, today)
    beside = [table.name for table in TABLES if table.is_of_days and table not in (DAILY, INDEX_DAILY)]
    lost = {name: len(set(spool.days(name)).difference(bars)) for name in beside}
    return Days(tuple(bars), tuple(levels), {name: count for name, count in lost.items() if count})


def _require_sessions(of: str, days: Sequence[date], calendar: Calendar, today: date) -> None:
    begins, ends = calendar.sessions[0], calendar.known_through
    wrong = {
        f"lie after today, {today}": [day for day in days if day > today],
        f"lie before {begins}, where the shipped calendar begins": [day for day in days if day < begins],
        f"lie after {ends}, where the shipped calendar ends; refresh it with `ljwx sessions refresh`": [
            day for day in days if ends < day <= today
        ],
        "are no sessions of the exchange": [
            day for day in days if begins <= day <= ends and not calendar.is_session(day)
        ],
    }  # fmt: skip
    for what, those in wrong.items():
        if those:
            named = ", ".join(map(str, those[:NAMED])) + (", …" if len(those) > NAMED else "")
            raise ConfigurationError(f"{len(those)} day(s) of the {of} {what}: {named}; nothing was written")


def _spool_file(file: MarketFile, spool: Spool) -> None:
    counts = {table: _Count() for table in file.tables}
    for part in file.parts():
        for table in file.tables:
            wire = as_wire(part, table, alone=len(file.tables) == 1)
            counts[table].add(table, wire)
            wire = _stocks_of(wire, spool) if table is DAILY else wire
            (spool.add if table.is_of_days else spool.add_whole)(table.name, wire)
    for table, count in counts.items():
        count.require(file.path, table)


def _stocks_of(wire: pl.DataFrame, spool: Spool) -> pl.DataFrame:
    """Return the rows of stocks, and put those of indexes, which have the same columns, into a table of their own."""
    of_index = pl.col("ts_code").str.contains(INDEX).fill_null(False)
    found = wire.filter(of_index)
    if found.is_empty():
        return wire
    spool.add(INDEX_DAILY.name, found.select(*INDEX_DAILY.columns, RAW))
    return wire.filter(~of_index)


class _Count:
    """How many rows of a file are there, and how many cannot be read; with an example of each."""

    def __init__(self) -> None:
        self.rows = 0
        self.bad = {"code": 0, "day": 0, "number": 0}
        self.example: dict[str, str] = {}

    def add(self, table: FileTable, wire: pl.DataFrame) -> None:
        """Look at more rows."""
        self.rows += wire.height
        code = next(name for name in table.columns if name in CODES)
        wrong = {
            "code": (~pl.col(code).str.contains(CODE).fill_null(False), pl.col(code)),
            "number": (pl.col(RAW).is_not_null(), pl.col(RAW)),
        }
        if table.is_of_days:
            wrong |= {"day": (as_date("trade_date").is_null(), pl.col("trade_date"))}
        found = wire.select(mask.sum().alias(what) for what, (mask, _) in wrong.items()).row(0, named=True)
        for what, bad in found.items():
            self.bad[what] += bad
            if bad and what not in self.example:
                mask, shown = wrong[what]
                self.example[what] = str(wire.filter(mask).select(shown).item(0, 0))[:200]

    def require(self, path: Path, table: FileTable) -> None:
        """Refuse a file of whose rows most cannot be read."""
        wanted = {
            "code": "a code such as 000001.SZ",
            "day": "a day such as 20260105 in trade_date",
            "number": "numbers in its columns of numbers",
        }
        for what, bad in self.bad.items():
            if bad > BAD_SHARE * self.rows:
                raise ConfigurationError(
                    f"{path}: {bad} of {self.rows} rows of {table.name} have not {wanted[what]}, the first of them has "
                    f"{self.example[what]}; nothing was written"
                )
