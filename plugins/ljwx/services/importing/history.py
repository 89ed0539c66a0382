"""`ljwx import`: ten years of the market out of files, by the rules, revisions and completeness of the ingest.

Each session is one transaction, each month a run in `ljwx.runs`. An import that was killed knows by the contents of its
files which months are done, and goes on after them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import sse_calendar
from ljwx.schedule import SHANGHAI
from ljwx.services.importing.files import Digests, Found, digests, find_files
from ljwx.services.importing.months import FEATURES, READ, Importer, Tell
from ljwx.services.importing.spooling import days_of, spool_folder, spooled

log = logging.getLogger(__name__)

EACH = 500
"""After so many files a line of progress."""


@dataclass(frozen=True)
class Imported:
    """What an import did.

    :param digest: of the contents of all files; part of `run_id` in `ljwx.runs`.
    :param left_out: files below a folder that hold no table which is imported.
    :param before: when an earlier import of the same files had done all of it; None where this one had work to do.
    :param first: of the sessions that the files have bars of, or levels of indexes where there are no bars.
    :param skipped: months that an earlier import of the same files had done.
    :param holes: sessions between the first and the last of which the files have no bar.
    :param features: rows that were written.
    :param incomplete: the sessions of the files that are not whole, and what they lack, a line each.
    :param levels: of indexes, new or revised.
    :param kept: rows beside the bars that the source gave, and that stay as they are.
    :param quarantined: rows of these files that were refused, by the reason; a row may have several.
    """

    digest: str
    files: int
    left_out: tuple[str, ...]
    before: datetime | None = None
    first: date | None = None
    last: date | None = None
    sessions: int = 0
    inserted: int = 0
    revised: int = 0
    skipped: int = 0
    holes: int = 0
    features: int = 0
    seconds: float = 0.0
    incomplete: tuple[str, ...] = ()
    levels: int = 0
    kept: int = 0
    quarantined: Mapping[str, int] = field(default_factory=dict)


def import_history(paths: Sequence[Path], *, again: bool = False, tell: Tell = log.info) -> Imported:
    """Write what files hold of the market, and the features that follow from it.

    :param again: do it anew, also what an earlier import of the same files has done.
    :raises NotFound: there is no such file.
    :raises ConfigurationError: in one line, what is wrong with a file; nothing was written then.
    :raises Busy: another import is at work.
    """
    begun, warehouse = time.monotonic(), WarehouseHook()
    found = find_files(paths)
    tell(f"{len(found.used)} files of {', '.join(found.tables)}")
    read = digests(found.used)
    importer = Importer(warehouse, read.of_all, tell)
    before = None if again else warehouse.finished_at(importer.run(FEATURES))
    if before is not None:
        return Imported(read.of_all, len(found.used), tuple(map(str, found.left_out)), before)
    with spool_folder() as folder:
        return _import(importer, found, read, folder, again=again, begun=begun)


def _import(importer: Importer, found: Found, read: Digests, folder: Path, *, again: bool, begun: float) -> Imported:
    warehouse, files = importer.warehouse, len(found.used)
    spool = spooled(found, folder, lambda at: importer.tell(f"{at} of {files} files read") if at % EACH == 0 else None)
    days = days_of(spool, sse_calendar(), datetime.now(SHANGHAI).date())
    for table, count in days.lost.items():
        importer.tell(f"left out: rows of {table} on {count} days of which the files have no bar")
    importer.write_reference(spool, {str(f.path): one for f, one in zip(found.used, read.of_files, strict=True)})
    done = importer.write_months(spool, days.all, again=again)
    features = importer.write_features()
    span = days.bars or days.levels
    first, last = span[0], span[-1]
    holes = len(warehouse.trading_days(first, last)) - len(days.bars) if days.bars else 0
    return Imported(
        read.of_all, files, tuple(map(str, found.left_out)), None, first, last,
        done.sessions, done.inserted, done.revised, done.skipped, holes, features, time.monotonic() - begun,
        _incomplete(warehouse, days.bars), done.levels, done.kept, warehouse.quarantined_by(importer.run(READ)),
    )  # fmt: skip


def _incomplete(warehouse: WarehouseHook, days: Sequence[date]) -> tuple[str, ...]:
    wanted = set(days)
    return tuple(
        f"{day.session}: {day.received} of {day.expected} bars, {day.quarantined} rows in quarantine"
        + (f", {day.unfactored} without a factor" if day.unfactored else "")
        for day in warehouse.known_days()
        if day.session in wanted and not day.complete
    )
