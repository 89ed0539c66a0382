"""History out of files: `ljwx import` without its features against one bare COPY of the same rows.

Both write to the embedded PostgreSQL, into tables of the same columns and keys. The import reads Parquet files of a
month of a whole market, a file a table and session, puts them in order on disk, applies every rule, and writes each
session in a transaction of its own. The peer has the rows in memory and sends them as one COPY; making the bytes is
part of it.
"""

from __future__ import annotations

import gc
import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import psycopg

from benchmarks.market_files import write_market
from benchmarks.warehouse import running_warehouse

FIRST, SESSIONS = date(2024, 1, 17), 22
"""Sessions of two months, as in the bench of a year."""
RUNS = 3
ROWS = (
    "SELECT session, ts_code, open, high, low, close, pre_close, vol, amount, adj_factor, up_limit, down_limit, "
    "revision, run_key FROM ljwx.bars"
)


def import_rows_vs_copy() -> dict[str, Any]:
    """Rows a second of the import / of one COPY of the same rows; medians of runs on empty warehouses."""
    from ljwx.resources import sse_calendar

    days = sse_calendar().between(FIRST, date(2025, 1, 1))[:SESSIONS]
    taken: dict[str, list[float]] = {"ours": [], "peer": []}
    with tempfile.TemporaryDirectory(prefix="ljwx-bench-") as name:
        rows = write_market(Path(name), days)
        for _ in range(RUNS):
            with running_warehouse() as url:
                taken["ours"].append(_imported(Path(name), days, rows))
                taken["peer"].append(_copied(url))
    rates = {side: rows / statistics.median(times) for side, times in taken.items()}
    return {
        "value": rates["ours"] / rates["peer"], "unit": "x", **rates, "runs": RUNS,
        "note": f"ours, peer: rows/s; {rows} rows of {len(days)} sessions; seconds {taken}",
    }  # fmt: skip


def _imported(folder: Path, days: Sequence[date], rows: int) -> float:
    """Import all but the features into a warehouse that has the list of stocks; return the seconds."""
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.services.importing.files import digests, find_files
    from ljwx.services.importing.months import Importer
    from ljwx.services.importing.spooling import spooled

    with tempfile.TemporaryDirectory(prefix="ljwx-bench-") as first:
        listed = find_files([folder])
        importer = Importer(WarehouseHook(), digests(listed.used).of_all, lambda _: None)
        importer.write_reference(spooled(listed, Path(first), lambda _: None), {})
    gc.collect()
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="ljwx-bench-") as spool_folder:
        found = find_files([folder])
        digests(found.used)
        spool = spooled(found, Path(spool_folder), lambda _: None)
        made = importer.write_months(spool, days, again=False)
    seconds = time.perf_counter() - begin
    if made.inserted != rows or made.refused:
        raise RuntimeError(f"{made} of {rows} rows")
    return seconds


def _copied(url: str) -> float:
    """Copy the rows that the import has written into a table like theirs; return the seconds."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE bars_copy (LIKE ljwx.bars INCLUDING ALL)")
        rows = pl.read_database(ROWS, connection)
        gc.collect()
        begin = time.perf_counter()
        into = f"COPY bars_copy ({', '.join(rows.columns)}) FROM STDIN (FORMAT csv)"
        with connection.transaction(), connection.cursor().copy(into) as copy:
            for part in rows.iter_slices(100_000):
                copy.write(part.write_csv(include_header=False).encode())
        return time.perf_counter() - begin
