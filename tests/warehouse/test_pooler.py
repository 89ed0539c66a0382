"""The warehouse behind a real pgbouncer in transaction mode: each transaction may have another session."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date

import psycopg
import pytest

from ljwx.hooks.warehouse import WarehouseHook
from ljwx.migrations import upgrade
from ljwx.warehouse.runs import RunRef
from ljwx_sandbox.postgres import EmbeddedPostgres
from support_chain import Database, bars_of, database, whole_day
from support_pgbouncer import Pooler, running_pgbouncer

SESSION = date(2026, 3, 2)


def test_many_clients_use_the_same_statements_again_and_again(pooled_url: str) -> None:
    """A statement that one of them had prepared by name would be known, or taken, in the session of another."""
    hooks = [WarehouseHook() for _ in range(3)]
    for number in range(10):
        for hook in hooks:
            hook.start_run(RunRef("tests", f"{number}", "save"))
            assert hook.complete_sessions() == []


def test_a_connection_of_one_s_own_prepares_nothing_either(pooled_url: str) -> None:
    with WarehouseHook().get_conn() as one, WarehouseHook().get_conn() as other:
        for _ in range(8):
            for connection in (one, other):
                assert connection.execute("SELECT %s::int", (1,)).fetchone() == (1,)
                connection.commit()


def test_a_day_is_written_and_read(pooled_url: str) -> None:
    hook = WarehouseHook()
    run = hook.start_run(RunRef("tests", "one", "save"))
    hook.save_sessions(run, [SESSION])
    saved = hook.save_day(run, whole_day(SESSION), bars_of(SESSION))
    assert (saved.inserted, saved.revised) == (3, 0)
    again = hook.save_day(run, whole_day(SESSION), bars_of(SESSION, close={"000001.SZ": 10.3}))
    assert (again.inserted, again.revised) == (0, 1)
    assert hook.bars(SESSION, SESSION)["close"].to_list() == [10.3, 10.2, 10.2]


class Other:
    """Another process's attempt to hold the lock, in a thread; `inside` is set once it does."""

    def __init__(self, *, exclusive: bool) -> None:
        self.inside, self._done, self._exclusive = threading.Event(), threading.Event(), exclusive
        self._thread = threading.Thread(target=self._hold, daemon=True)

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._done.set()
        self._thread.join(30)

    def _hold(self) -> None:
        with WarehouseHook().bars_lock(exclusive=self._exclusive):
            self.inside.set()
            self._done.wait(30)


@pytest.fixture(params=[True, False], ids=["exclusively", "with_others"])
def other(request: pytest.FixtureRequest, pooled_url: str) -> Iterator[Other]:
    other = Other(exclusive=request.param)
    yield other
    other.end()


def test_nobody_enters_while_the_lock_is_held_exclusively(pooled_url: str, other: Other) -> None:
    hook = WarehouseHook()
    with hook.bars_lock(exclusive=True):
        hook.complete_sessions()
        other.begin()
        assert not other.inside.wait(1.0)
        hook.complete_sessions()
        assert not other.inside.wait(0.2)
    assert other.inside.wait(60)


def test_nothing_is_left_of_the_lock(pooled_url: str, warehouse_url: str) -> None:
    for exclusive in (True, False, True):
        with WarehouseHook().bars_lock(exclusive=exclusive):
            pass
    held = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE locktype = 'advisory'"
    assert Database(warehouse_url).value(f"{held} AND datname = current_database()") == 0


def test_the_tables_are_made_through_it(pooler: Pooler, postgres: EmbeddedPostgres, warehouse_url: str) -> None:
    with database(postgres, "template1") as name:
        upgrade(pooler.url(postgres.url(name, "postgresql+psycopg")))
        upgrade(pooler.url(postgres.url(name, "postgresql+psycopg")))
        query = "SELECT version_num FROM ljwx.schema_version"
        assert Database(postgres.url(name)).rows(query) == Database(warehouse_url).rows(query)


def test_it_is_told_from_a_server(pooled_url: str, warehouse_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert WarehouseHook().server().pooled is True
    monkeypatch.setenv("AIRFLOW_CONN_LJWX_POSTGRES", warehouse_url.replace("postgresql://", "postgres://"))
    assert WarehouseHook().server().pooled is False


def test_a_pooler_that_gives_each_statement_another_session_is_refused_by_itself(
    pooler: Pooler, postgres: EmbeddedPostgres, warehouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_pgbouncer(postgres, mode="statement") as other:
        url = other.url(warehouse_url).replace("postgresql://", "postgres://")
        monkeypatch.setenv("AIRFLOW_CONN_LJWX_POSTGRES", url)
        with pytest.raises(psycopg.Error, match="statement pooling"):
            WarehouseHook().complete_sessions()
