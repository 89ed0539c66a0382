"""An earlier version waited for renamed codes for ever: such a warehouse, upgraded, heals with its next session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ljwx.hooks.warehouse import WarehouseHook
from ljwx.stages.ingest.bars import ingest_bars
from ljwx.stages.ingest.features import compute_features
from ljwx.stages.ingest.plan import plan_ingest
from ljwx_sandbox.postgres import EmbeddedPostgres
from support_chain import Database, connect, database
from support_tasks import TaskRunner
from support_tushare import REPOSITORY, StartMarket, TushareServer
from support_upgrade import MARKET, WAREHOUSE, restore

RENAMED, NEXT = "2026-03-16", "2026-03-23"
STUCK = f"""
UPDATE ljwx.bars SET ts_code = '830001.BJ' WHERE ts_code = '920001.BJ' AND session < '{RENAMED}';
UPDATE ljwx.features SET ts_code = '830001.BJ' WHERE ts_code = '920001.BJ' AND session < '{RENAMED}';
UPDATE ljwx.names SET ts_code = '830001.BJ' WHERE ts_code = '920001.BJ';
INSERT INTO ljwx.instruments (ts_code, revision, name, industry, market, exchange, list_status, list_date, run_key)
SELECT '830001.BJ', 1, name, industry, market, exchange, list_status, list_date, run_key
FROM ljwx.instruments WHERE ts_code = '920001.BJ';
UPDATE ljwx.ingest_days SET complete = false, expected = expected + 1, missing = '{{830001.BJ}}'
WHERE session >= '{RENAMED}';
DELETE FROM ljwx.complete_days WHERE session >= '{RENAMED}';
DELETE FROM ljwx.features WHERE session >= '{RENAMED}';
DELETE FROM ljwx.feature_marks WHERE session >= '{RENAMED}';
"""
"""What the earlier version made of a market whose Beijing stock had another code until the day of the rename."""
INCOMPLETE = "SELECT session::text FROM ljwx.ingest_days WHERE NOT complete ORDER BY 1"


@pytest.fixture(scope="module")
def renamed(start_market: StartMarket) -> Iterator[TushareServer]:
    sessions = str(REPOSITORY / "include" / "sessions" / "sse.txt")
    with start_market(*MARKET, "--sessions", sessions, "--rename-bse", RENAMED, "--to", "2026-11-20") as server:
        yield server


def test_a_warehouse_that_waits_for_renamed_codes_heals_by_itself_after_an_upgrade(
    postgres: EmbeddedPostgres, renamed: TushareServer, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database(postgres, "template1") as name:
        restore(WAREHOUSE, postgres.url(name))
        db = Database(postgres.url(name))
        db.execute(STUCK)
        connect(monkeypatch, postgres.url(name))
        monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", renamed.connection())
        assert db.column(INCOMPLETE) == ["2026-03-16", "2026-03-17", "2026-03-18", "2026-03-19", "2026-03-20"]
        WarehouseHook().migrate()
        (chunk,) = tasks.run(plan_ingest, partition_key=NEXT)
        tasks.run(ingest_bars, chunk)
        tasks.run(compute_features, [chunk])
        assert db.column(INCOMPLETE) == []
        assert f"{WarehouseHook().complete_sessions()[-1]}" == NEXT
        (old,) = db.rows("SELECT * FROM ljwx.current_instruments WHERE ts_code = '830001.BJ'")
        assert (f"{old['delist_date']}", old["end_reason"], old["renamed_to"]) == (RENAMED, "renamed", "920001.BJ")
        looked_back = "SELECT ma_60 FROM ljwx.current_features WHERE ts_code = '920001.BJ' AND session >= %s"
        assert len([value for value in db.column(looked_back, RENAMED) if value is not None]) == 6
        assert db.value("SELECT count(*) FROM ljwx.current_bars WHERE ts_code = '830001.BJ'") > 100


def test_it_heals_where_suspensions_are_not_told_and_one_stock_was_suspended(
    postgres: EmbeddedPostgres, renamed: TushareServer, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many may be missing as when such a session is counted for the first time."""
    with database(postgres, "template1") as name:
        restore(WAREHOUSE, postgres.url(name))
        db = Database(postgres.url(name))
        db.execute(STUCK)
        db.execute(
            "UPDATE ljwx.ingest_days SET received = received - 1, missing = missing || '{000001.SZ}', absent = %s "
            "WHERE NOT complete", ["suspend_d"],
        )  # fmt: skip
        connect(monkeypatch, postgres.url(name))
        monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", renamed.connection())
        WarehouseHook().migrate()
        tasks.run(plan_ingest, partition_key=NEXT)
        assert db.column(INCOMPLETE) == []
        assert db.column("SELECT DISTINCT missing FROM ljwx.ingest_days WHERE session >= %s", RENAMED) == [
            ["000001.SZ"]
        ]
