"""Tables that a source publishes after the ingest: fetched before a session is asked about, and waited for."""

from __future__ import annotations

from datetime import date

import pytest

from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.forward.chain import Batch
from ljwx.exceptions import NotYetPublished
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.doctor.market import tables
from ljwx.stages.forward.late_tables import fetch_late_tables
from ljwx.warehouse.forward import NewAnswer, NewBatch
from ljwx.warehouse.runs import RunRef
from support_chain import LAST, SMALL, Database
from support_forward import at, stop_clock
from support_tasks import TaskRunner
from support_tushare import TushareServer

SESSION = date.fromisoformat(LAST)
FLOWS = "SELECT count(*) FROM ljwx.money_flows WHERE session = %s"
GROUPS = ("technical", "money_flow")


@pytest.fixture
def batch(market_db: Database) -> Batch:
    """A batch that was opened at 18:40 and tells of money flows, of which nothing is there."""
    stop_clock(market_db.url, at(SESSION, 18, 45))
    spec = SampleSpec(feature_groups=GROUPS).model_dump(mode="json")
    return Batch(SESSION, at(SESSION, 9, 15, days=3), "ds", spec, {}, at(SESSION, 18, 40))


def fetch(tasks: TaskRunner, batch: Batch) -> None:
    hook = WarehouseHook()
    tasks.run(fetch_late_tables, hook, batch, hook.start_run(RunRef("tests", "late", "ask_session")))


def test_a_table_that_came_after_the_ingest_is_fetched(
    market_db: Database, market: TushareServer, tasks: TaskRunner, batch: Batch
) -> None:
    market.faults(moneyflow={"kind": "partial", "share": 0.0})
    with pytest.raises(NotYetPublished, match=f"{LAST}: the source has not published money_flows yet; .* 20:10"):
        fetch(tasks, batch)
    market.faults()
    fetch(tasks, batch)
    assert market_db.value(FLOWS, SESSION) == len(market.rows("moneyflow", trade_date=LAST.replace("-", "")))
    calls = market.stats()["calls"]["moneyflow"]
    fetch(tasks, batch)
    assert market.stats()["calls"]["moneyflow"] == calls, "what is whole is not asked for"


def test_after_a_while_models_are_asked_without_it(
    market_db: Database, market: TushareServer, tasks: TaskRunner, batch: Batch, caplog: pytest.LogCaptureFixture
) -> None:
    market.faults(moneyflow={"kind": "partial", "share": 0.0})
    stop_clock(market_db.url, at(SESSION, 20, 11))
    fetch(tasks, batch)
    assert f"{LAST} is asked about without money_flows: the source has not published it" in caplog.text


def test_a_tier_without_the_table_is_not_waited_for(market: TushareServer, tasks: TaskRunner, batch: Batch) -> None:
    market.faults(moneyflow={"kind": "ip_limit"})
    fetch(tasks, batch)


def test_without_a_connection_nothing_is_fetched_and_nothing_fails(
    tasks: TaskRunner, batch: Batch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", '{"conn_type": "tushare"}')
    fetch(tasks, batch)
    assert "tables that came late are not asked for: " in caplog.text


def test_once_something_was_asked_the_facts_stay_as_they_were(
    market_db: Database, market: TushareServer, tasks: TaskRunner, batch: Batch
) -> None:
    hook = WarehouseHook()
    key = hook.start_run(RunRef("tests", "one", "record"))
    hook.open_batch(key, NewBatch(SESSION, batch.deadline, "ds", batch.spec, {"numbers": {}}))
    said = {"up": 0.2, "flat": 0.3, "down": 0.5}
    rule = NewAnswer(
        SESSION, "000001.SZ", "price_direction", "class_rates", None, None, "s" * 64, ("up", "flat", "down"), said
    )
    hook.save_forward_rules(SESSION, key, [rule])
    fetch(tasks, batch)
    assert market_db.value(FLOWS, SESSION) == 0


def test_the_doctor_says_how_much_of_the_newest_session_a_table_has(
    market_db: Database, market: TushareServer, tasks: TaskRunner, batch: Batch
) -> None:
    assert tables() is None, "no group of the settings has one"
    tasks.variables["ljwx_training_config"] = {**SMALL, "samples": {**SMALL["samples"], "feature_groups": list(GROUPS)}}
    none = tables()
    assert none is not None
    assert (none.ok, none.found) == (False, f"of the stocks of {LAST} 0% have money_flows")
    assert none.advice.startswith("the source publishes it later, or lacks it")
    fetch(tasks, batch)
    whole = tables()
    assert whole is not None
    assert (whole.ok, whole.found, whole.advice) == (True, f"of the stocks of {LAST} 100% have money_flows", "")
