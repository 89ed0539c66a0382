"""How long an answer is kept; one limit for all workers together, measured by the times that the database recorded."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import ModuleType

import pytest

from ljwx.exceptions import SourceUnavailable
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.warehouse.market import sources
from ljwx.warehouse.market.sources import SHANGHAI, WarehouseKeeper, WarehouseLimiter, last_close
from support_chain import Database
from support_tushare import StartMarket, environment

LIMIT, WINDOW = 3, 0.4
WORKER = f"""
import threading
import ljwx.cli  # as a command, which does without Airflow: it loads for two seconds
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.warehouse.market import sources
sources.WINDOW_SECONDS = {WINDOW}
def work():
    gate = sources.WarehouseLimiter(WarehouseHook(), "tushare_default")
    for _ in range(3):
        gate.acquire("daily", {LIMIT})
workers = [threading.Thread(target=work) for _ in range(2)]
print("ready", flush=True)
input()
[worker.start() for worker in workers]
[worker.join() for worker in workers]
"""


@pytest.fixture
def db(warehouse_url: str) -> Database:
    """An empty warehouse that writes down every slot that is taken."""
    database = Database(warehouse_url)
    database.execute("CREATE TABLE taken (scope text, at timestamptz)")
    database.execute(
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN INSERT INTO taken VALUES (new.scope, new.used_at); RETURN NULL; END'"
    )
    database.execute("CREATE TRIGGER note AFTER UPDATE ON ljwx.rate_slots FOR EACH ROW EXECUTE FUNCTION note()")
    return database


def most_in_one_window(db: Database) -> int:
    """The largest number of slots taken within any stretch as long as the window."""
    times = db.column("SELECT at FROM taken ORDER BY at")
    window = timedelta(seconds=WINDOW)
    return max(sum(1 for other in times if timedelta(0) <= other - start < window) for start in times)


def test_processes_and_threads_together_never_take_more_than_the_limit(db: Database, programs: ModuleType) -> None:
    workers = [
        programs.Popen(
            [sys.executable, "-c", WORKER], env=environment() | dict(os.environ),
            stdin=programs.PIPE, stdout=programs.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        worker.communicate("\n", timeout=60)
    assert [worker.returncode for worker in workers] == [0, 0]
    assert db.value("SELECT count(*) FROM taken") == 2 * 2 * 3
    assert most_in_one_window(db) == LIMIT
    assert db.value("SELECT count(*) FROM ljwx.rate_slots") == LIMIT


def test_a_turn_that_does_not_come_ends_in_the_name_of_who_has_it(
    db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    first, second = WarehouseKeeper(WarehouseHook()), WarehouseKeeper(WarehouseHook(), patience=0.2)
    with first.asking("here connection"):
        with second.asking("elsewhere connection"):
            assert not caplog.messages
        (pid,) = db.turns(taken=True)
        who = f"PostgreSQL's process {pid} .*since .*"
        says = rf"^here connection: no turn in 0\.2 s, behind {who}; if nothing"
        with pytest.raises(SourceUnavailable, match=says), second.asking("here connection"):
            pytest.fail("it had the turn")
        (said,) = caplog.messages
        assert re.search(rf"here connection: waiting for {who}, 0\.2 s at the most", said)
    with second.asking("here connection"):
        assert len(db.turns(taken=True)) == 1


def test_a_turn_is_taken_when_the_one_before_ends(db: Database) -> None:
    first, second = WarehouseKeeper(WarehouseHook()), WarehouseKeeper(WarehouseHook(), patience=30)
    order: list[str] = []

    def wait() -> None:
        with second.asking("here connection"):
            order.append("second")

    waiting = threading.Thread(target=wait)
    with first.asking("here connection"):
        waiting.start()
        while not db.turns(taken=False):
            pass
        order.append("first")
    waiting.join(30)
    assert order == ["first", "second"]


def test_each_interface_and_connection_has_slots_of_its_own(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "WINDOW_SECONDS", 3600)
    for scope in ("one", "two"):
        for api_name in ("daily", "adj_factor"):
            WarehouseLimiter(WarehouseHook(), scope).acquire(api_name, 1)
    assert sorted(db.column("SELECT scope FROM taken")) == [
        "one/adj_factor",
        "one/daily",
        "two/adj_factor",
        "two/daily",
    ]


def test_without_a_limit_nothing_is_written(db: Database) -> None:
    WarehouseLimiter(WarehouseHook(), "one").acquire("daily", None)
    assert db.counts()["rate_slots"] == 0


def test_a_lowered_limit_holds_at_once(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "WINDOW_SECONDS", WINDOW)
    gate = WarehouseLimiter(WarehouseHook(), "one")
    gate.acquire("daily", 5)
    db.execute("TRUNCATE taken")
    for _ in range(3):
        gate.acquire("daily", 1)
    assert most_in_one_window(db) == 1


def test_a_slot_that_another_worker_is_taking_is_passed_over(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    import psycopg

    monkeypatch.setattr(sources, "WINDOW_SECONDS", WINDOW)
    gate = WarehouseLimiter(WarehouseHook(), "one")
    gate.acquire("daily", 2)
    db.execute("UPDATE ljwx.rate_slots SET used_at = '-infinity'")
    with psycopg.connect(db.url) as other:
        other.execute("SELECT FROM ljwx.rate_slots WHERE slot = 1 FOR UPDATE")
        worker = threading.Thread(target=gate.acquire, args=("daily", 2), daemon=True)
        worker.start()
        worker.join(60)
        assert not worker.is_alive()
    assert db.column("SELECT slot FROM ljwx.rate_slots WHERE used_at > '-infinity'") == [2]


PROCESSES, CALLS, MINUTE = 8, 6, 2.0
FORKED = f"""
import os, sys, traceback
import ljwx.cli  # as a command, which does without Airflow: it loads for two seconds
from ljwx.hooks.tushare import TushareHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.warehouse.market import sources
sources.WINDOW_SECONDS = {MINUTE} + sources.WINDOW_SECONDS - 60
def work():
    hook = TushareHook(limiter=sources.WarehouseLimiter(WarehouseHook(), "tushare_default"))
    for _ in range({CALLS}):
        hook.daily(ts_code="000001.SZ", limit=1)
workers = []
for _ in range({PROCESSES}):
    worker = os.fork()
    if not worker:
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    workers.append(worker)
sys.exit(sum(os.waitpid(worker, 0)[1] != 0 for worker in workers))
"""


def test_eight_processes_on_one_token_see_not_one_refusal_of_a_server_that_counts(
    warehouse_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    start_tushare: StartMarket,
    programs: ModuleType,
) -> None:
    """The server's minute is short here; the margin that the limiter leaves on it is the one of a real minute."""
    tokens = tmp_path / "tokens.json"
    tokens.write_text(json.dumps({"small": {"per_minute": 20}}), encoding="utf-8")
    market = ("--stocks", "5", "--origin", "2026-01-01", "--token-file", str(tokens), "--minute", str(MINUTE))
    with start_tushare(*market) as server:
        monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", server.connection(token="small", calls_per_minute=20))
        done = programs.run(
            [sys.executable, "-c", FORKED], env=environment(), capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        assert server.stats()["calls"]["daily"] == PROCESSES * CALLS
        assert server.stats()["rate_limited"] == {}
        with ThreadPoolExecutor(8) as pool:
            asked = pool.map(lambda _: server.post("daily", token="small", ts_code="000001.SZ")["code"], range(41))
            assert 40203 in set(asked), "the server does count"


@pytest.mark.parametrize(
    ("now", "close"),
    [
        ("2026-03-03T14:59:59+08:00", "2026-03-02T15:00:00+08:00"),
        ("2026-03-03T15:00:00+08:00", "2026-03-03T15:00:00+08:00"),
        ("2026-03-03T18:30:00+08:00", "2026-03-03T15:00:00+08:00"),
        ("2026-03-01T08:00:00+08:00", "2026-02-28T15:00:00+08:00"),
        ("2026-03-03T06:59:00+00:00", "2026-03-02T15:00:00+08:00"),
        ("2026-03-03T20:00:00-05:00", "2026-03-03T15:00:00+08:00"),
    ],
)
def test_it_is_good_until_the_next_close_in_shanghai(now: str, close: str) -> None:
    found = last_close(datetime.fromisoformat(now))
    assert found == datetime.fromisoformat(close)
    assert found.tzinfo is SHANGHAI


def test_the_clock_s_own_zone_does_not_matter() -> None:
    assert last_close(datetime(2026, 3, 3, 7, 0, tzinfo=timezone.utc)) == datetime(2026, 3, 3, 15, tzinfo=SHANGHAI)
