"""What an analyst keeps of what it has read, until that is changed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from psycopg import Connection

from ljwx.core.features import GROUPS
from ljwx.services.analysing import analyst as module
from ljwx.services.analysing.analyst import MARKET, NAMED, SESSIONS, Analyst
from ljwx.services.analysing.changes import Changes
from ljwx.services.analysing.fared import SETTLED as RECORD
from ljwx.services.analysing.market import READ
from ljwx.services.asking.stock import Market, asked_session, current_champion
from ljwx.warehouse.base import WarehouseBase
from ljwx.warehouse.served.changes import Changed
from support_recorded import FUTURE, NEWEST, SETTLED, Recorded
from support_serve import STOCK

LOCKED = """
    SELECT DISTINCT coalesce(p.relname, c.relname) AS name FROM pg_locks l
    JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_class p ON p.oid = pg_partition_root(c.oid)
    WHERE l.pid = pg_backend_pid() AND n.nspname = 'ljwx' AND c.relkind IN ('r', 'p')
"""
WATCHED = "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'noted' AND tgparentid = 0"
STATED = {group.table.name for group in GROUPS if group.table is not None}
"""Tables of facts, which this champion's snapshots do not hold."""

OF_A_DATASET = {"samples", "dataset_samples"}
"""What a dataset is made of, which never changes; new samples are no reason to read a market again."""
LATE = {*OF_A_DATASET, "forward_answers"}
"""An answer about a session whose outcome is there is too late to count."""


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Tables that the database locks while the warehouse reads; those of changes themselves are left out."""
    tables, plain = set[str](), WarehouseBase.transaction

    @contextmanager
    def listening(self: WarehouseBase) -> Iterator[Connection[dict[str, Any]]]:
        with plain(self) as connection:
            yield connection
            tables.update(row["name"] for row in connection.execute(LOCKED).fetchall())
            tables.discard("changes")

    monkeypatch.setattr(WarehouseBase, "transaction", listening)
    return tables


def a_record(recorded: Recorded) -> None:
    recorded.db.execute("UPDATE ljwx.datasets SET last_session = '2026-02-27'")
    recorded.open(SETTLED)
    recorded.answer(SETTLED, STOCK, "investment_advice")
    recorded.came(SETTLED, {STOCK: "buy"}, "investment_advice")
    recorded.open(NEWEST)
    for task in FUTURE:
        recorded.answer(NEWEST, STOCK, task)


def test_every_table_that_is_read_for_an_analysis_is_watched(recorded: Recorded, read: set[str]) -> None:
    a_record(recorded)
    watched = {name.removeprefix("ljwx.") for name in recorded.db.column(WATCHED)}
    read.clear()
    analyst = Analyst()
    analyst.directory()
    analyst.analyse([STOCK], None)
    analyst.analyse([STOCK], NEWEST)
    analyst.market_day(None)
    assert {"bars", "features", "aliases", "forward_answers", "forward_outcomes", "datasets"} <= read
    assert read <= watched
    assert watched >= STATED


def test_what_is_kept_rests_on_the_tables_that_it_is_read_from(recorded: Recorded, read: set[str]) -> None:
    a_record(recorded)
    analyst = Analyst()
    champion, look = current_champion(analyst.warehouse), analyst.changes.look()
    parts = {
        SESSIONS: lambda: asked_session(analyst.warehouse, None),
        MARKET: lambda: Market(analyst.warehouse, champion, NEWEST),
        NAMED: analyst.directory,
        RECORD: lambda: module.TrackRecords(analyst.warehouse).of(champion, look),
        READ: lambda: module.MarketDays(analyst.warehouse)._breadth(NEWEST),
    }
    for tables, work in parts.items():
        read.clear()
        work()
        assert read - (LATE if tables is RECORD else OF_A_DATASET) <= set(tables)
    assert set(MARKET) >= STATED


class Slow:
    """A warehouse in which every look lasts until it is let go on."""

    def __init__(self) -> None:
        self.asked, self.go_on = threading.Semaphore(0), threading.Semaphore(0)
        self.looks = 0

    def changes_since(self, before: str = "") -> Changed:
        self.looks += 1
        seen = self.looks
        self.asked.release()
        assert self.go_on.acquire(timeout=60)
        return Changed(str(seen), ["bars"] if before else [])


def test_who_comes_during_a_look_is_given_a_later_one() -> None:
    slow = Slow()
    changes = Changes(slow)  # type: ignore[arg-type]
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(changes.look)
        assert slow.asked.acquire(timeout=60)
        others = [pool.submit(changes.look) for _ in range(8)]
        slow.go_on.release(9)
        assert first.result(60).version(("bars",)) == 1
        assert min(each.result(60).version(("bars",)) for each in others) >= 2
