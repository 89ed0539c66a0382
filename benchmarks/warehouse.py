"""Writing one session's bars to PostgreSQL: the warehouse's verb against `DataFrame.to_sql` and a bare COPY.

The embedded PostgreSQL on this machine. Every run writes another session of 5,400 rows. Ours goes through the revision
check, the partition, the session's lock and its day row, in one transaction; the peers append to a table with the same
columns and keys. New rows need no merge, so that a session that comes again is a figure of its own. Every side has its
connection open before the first counted run.
"""

from __future__ import annotations

import gc
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import psycopg
from sqlalchemy import Engine, create_engine

ROWS = 5_400
CHANGED = ROWS // 10
FIRST = date(2026, 1, 1)
COLUMNS = ("open", "high", "low", "close", "pre_close", "vol", "amount", "ah_vol", "ah_amount")
Make = Callable[[date], Callable[[], None]]
"""Prepares the write of a session, uncounted."""

MEASURES = (*COLUMNS, "adj_factor", "up_limit", "down_limit")


def bars_write_vs_to_sql(runs: int = 9) -> dict[str, Any]:
    """Rows a second of ours / of pandas' `to_sql` as people call it: append, without an index, on SQLAlchemy's default
    driver of a ``postgresql://`` address, psycopg2; `on_psycopg3` is the same against the faster driver.
    """
    with _database() as writers:
        compared = _compared(writers.ours, writers.to_sql, runs)
    with _database("postgresql+psycopg") as writers:
        return compared | {"on_psycopg3": _compared(writers.ours, writers.to_sql, runs)["value"]}


def bars_write_vs_copy(runs: int = 9) -> dict[str, Any]:
    """Rows a second of ours / of one COPY of the same rows."""
    with _database() as writers:
        return _compared(writers.ours, writers.copy, runs)


def bars_merge_vs_copy(runs: int = 9) -> dict[str, Any]:
    """Rows a second of ours, the session being there and every tenth row changed / of one COPY of all rows."""
    with _database() as writers:
        return _compared(writers.merge, writers.copy, runs)


def session_bars(session: date) -> pl.DataFrame:
    """One session's checked bars, as the stage `bars` hands them to the warehouse."""
    random = np.random.default_rng(session.toordinal())
    close = random.uniform(2, 300, ROWS).round(2)
    columns = {name: (close * random.uniform(0.95, 1.05, ROWS)).round(2) for name in MEASURES}
    codes = [f"{i:06d}.{'SZ' if i % 2 else 'SH'}" for i in range(ROWS)]
    frame = pl.DataFrame({"ts_code": codes, "session": [session] * ROWS, **columns})
    empty = pl.lit(None, dtype=pl.Float64)
    flags = pl.lit([], dtype=pl.List(pl.String))
    return frame.with_columns(empty.alias("ah_vol"), empty.alias("ah_amount"), flags.alias("flags"))


@dataclass(frozen=True)
class Writers:
    """The three ways to write a session, on one database."""

    warehouse: Any
    run_key: int
    engine: Engine
    connection: psycopg.Connection[Any]

    def ours(self, session: date) -> Callable[[], None]:
        """Return the write of `session` by the warehouse."""
        bars = session_bars(session)

        def write() -> None:
            self._save(session, bars, inserted=ROWS, revised=0)

        return write

    def merge(self, session: date) -> Callable[[], None]:
        """Return the second write of `session`, in which some rows have changed."""
        bars = session_bars(session)
        self._save(session, bars, inserted=ROWS, revised=0)
        changed = pl.int_range(ROWS) % (ROWS // CHANGED) == 0
        again = bars.with_columns(pl.when(changed).then(pl.col("close") + 0.01).otherwise("close").alias("close"))

        def write() -> None:
            self._save(session, again, inserted=0, revised=CHANGED)

        return write

    def _save(self, session: date, bars: pl.DataFrame, inserted: int, revised: int) -> None:
        from ljwx.warehouse.market.bars import IngestDay

        day = IngestDay(session, complete=True, expected=ROWS, received=ROWS, quarantined=0, suspended=0)
        saved = self.warehouse.save_day(self.run_key, day, bars)
        if (saved.inserted, saved.revised) != (inserted, revised):
            raise RuntimeError(f"{saved.inserted} rows were inserted and {saved.revised} revised")

    def to_sql(self, session: date) -> Callable[[], None]:
        """Return the write of `session` by pandas."""
        rows = pd.DataFrame(self._rows(session).to_dict(as_series=False)).astype(dict.fromkeys(MEASURES, float))

        def write() -> None:
            rows.to_sql("bars_to_sql", self.engine, if_exists="append", index=False)

        return write

    def copy(self, session: date) -> Callable[[], None]:
        """Return the write of `session` by COPY; making the bytes is part of it."""
        rows = self._rows(session)
        target = f"COPY bars_copy ({', '.join(rows.columns)}) FROM STDIN (FORMAT csv)"

        def write() -> None:
            with self.connection.transaction(), self.connection.cursor().copy(target) as copy:
                copy.write(rows.write_csv(include_header=False).encode())

        return write

    def _rows(self, session: date) -> pl.DataFrame:
        return session_bars(session).drop("flags").with_columns(revision=pl.lit(1), run_key=pl.lit(self.run_key))


@contextmanager
def _database(driver: str = "postgresql+psycopg2") -> Iterator[Writers]:
    """Lend the writers on a PostgreSQL of our own."""
    with running_warehouse() as url:
        yield from _writers(url, driver)


@contextmanager
def running_warehouse() -> Iterator[str]:
    """Start a PostgreSQL of our own with the schema, which the connection names, and stop it."""
    from ljwx_sandbox.postgres import EmbeddedPostgres
    from ljwx_sandbox.processes import free_port

    with tempfile.TemporaryDirectory(prefix="ljwx-bench-") as folder:
        Path(folder).chmod(0o755)  # a server started by root runs as another user
        server = EmbeddedPostgres(Path(folder) / "postgres", free_port(), "for-this-bench-only")
        server.start()
        try:
            url = server.url("warehouse")
            os.environ["AIRFLOW_CONN_LJWX_POSTGRES"] = url.replace("postgresql://", "postgres://")
            from ljwx.hooks.warehouse import WarehouseHook

            WarehouseHook().migrate()
            yield url
        finally:
            server.stop()


def _writers(url: str, driver: str) -> Iterator[Writers]:
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.warehouse.runs import RunRef

    warehouse = WarehouseHook()
    run_key = warehouse.start_run(RunRef("bench", "bench", "bars_write"))
    engine = create_engine(url.replace("postgresql://", f"{driver}://"))
    with psycopg.connect(url, autocommit=True) as connection:
        for name in ("bars_to_sql", "bars_copy"):
            connection.execute(f"CREATE TABLE {name} (LIKE ljwx.bars INCLUDING ALL)")
        yield Writers(warehouse, run_key, engine, connection)
    engine.dispose()


def _compared(ours: Make, peer: Make, runs: int) -> dict[str, Any]:
    """Write by turns; medians. The first session of each, with its new partition and cold caches, is not counted."""
    taken: dict[str, list[float]] = {"ours": [], "peer": []}
    for number in range(runs + 1):
        session = FIRST + timedelta(days=number)
        for name, make in (("ours", ours), ("peer", peer)):
            write = make(session)
            gc.collect()
            begin = time.perf_counter()
            write()
            taken[name].append(time.perf_counter() - begin)
    rates = {name: ROWS / statistics.median(times[1:]) for name, times in taken.items()}
    return {"value": rates["ours"] / rates["peer"], "unit": "x", **rates, "runs": runs, "note": "ours, peer: rows/s"}
