"""Names as their source corrects them, takes them back, and leaves them open."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from ljwx.core.bars import special_treatment
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.stages.ingest.plan import plan_ingest
from support_chain import MARKET, Database
from support_tasks import TaskRunner
from support_tushare import StartMarket, TushareServer

DAY = "2026-03-03"
CODE = "000001.SZ"
ST, PLAIN = "ST食品", "沙盒食品1"
FIELDS = ["ts_code", "name", "start_date", "end_date", "ann_date", "change_reason"]


def plan(db: Database, market: TushareServer, tasks: TaskRunner, *names: tuple[str, str, str | None]) -> Any:
    """Plan a session while the source has these names of a stock beside those of all others; return the moment."""
    others = [list(row.values()) for row in market.rows("namechange") if row["ts_code"] != CODE]
    items = [[CODE, name, start, end, start, "其他"] for name, start, end in names] + others
    body = json.dumps({"code": 0, "data": {"fields": FIELDS, "items": items, "has_more": False}, "msg": ""})
    db.execute("TRUNCATE ljwx.kept_answers")
    market.faults(namechange={"kind": "literal", "body": body})
    tasks.run(plan_ingest, partition_key=DAY)
    market.faults()
    return WarehouseHook().moment()


def treated() -> list[tuple[date, date | None]]:
    return special_treatment(WarehouseHook().names()).filter(ts_code=CODE).select("start_date", "end_date").rows()


def told(moment: Any) -> list[tuple[str, date]]:
    return WarehouseHook().names_as_of(moment).filter(ts_code=CODE).select("name", "start_date").rows()


def test_corrected_and_withdrawn_names_are_revisions_and_each_moment_knows_its_own(
    db: Database, market: TushareServer, tasks: TaskRunner
) -> None:
    open_ended = plan(db, market, tasks, (PLAIN, "20170330", "20251231"), (ST, "20260105", None))
    assert treated() == [(date(2026, 1, 5), None)]
    corrected = plan(db, market, tasks, (PLAIN, "20170330", "20251231"), (ST, "20260105", "20260227"))
    assert treated() == [(date(2026, 1, 5), date(2026, 2, 27))]
    plan(db, market, tasks, (PLAIN, "20170330", "20251231"), (ST, "20260105", "20260220"))
    assert treated() == [(date(2026, 1, 5), date(2026, 2, 20))]
    withdrawn = plan(db, market, tasks, (PLAIN, "20170330", None))
    assert treated() == []
    again = plan(db, market, tasks, (PLAIN, "20170330", None), (ST, "20260105", None))
    assert treated() == [(date(2026, 1, 5), None)]

    both = [(PLAIN, date(2017, 3, 30)), (ST, date(2026, 1, 5))]
    assert [told(moment) for moment in (open_ended, corrected, withdrawn, again)] == [both, both, both[:1], both]
    query = "SELECT revision, end_date::text, superseded_at IS NULL AS now FROM ljwx.names WHERE name = %s ORDER BY 1"
    assert [tuple(row.values()) for row in db.rows(query, ST)] == [
        (1, None, False), (2, "2026-02-27", False), (3, "2026-02-20", False), (4, None, True),
    ]  # fmt: skip
    assert db.value("SELECT count(*) FROM ljwx.names WHERE ts_code <> %s AND revision > 1", CODE) == 0


def test_an_answer_without_any_name_of_a_stock_takes_none_back(
    db: Database, market: TushareServer, tasks: TaskRunner
) -> None:
    plan(db, market, tasks, (PLAIN, "20170330", None))
    plan(db, market, tasks)
    assert [name for name, _ in told(WarehouseHook().moment())] == [PLAIN]


def test_an_answer_that_lacks_many_names_takes_none_back_and_says_so(
    db: Database, market: TushareServer, tasks: TaskRunner, caplog: pytest.LogCaptureFixture
) -> None:
    several = [(f"名{at}", f"2020010{at}", None) for at in range(1, 9)]
    plan(db, market, tasks, *several)
    plan(db, market, tasks, several[0])
    assert len(told(WarehouseHook().moment())) == 8
    assert "7 stored names of stocks that it has: too many to be believed" in caplog.text


@pytest.fixture(scope="module")
def untidy(start_market: StartMarket) -> Iterator[TushareServer]:
    with start_market(*MARKET, "--untidy-names") as server:
        yield server


def test_st_follows_from_names_that_are_left_open_and_that_come_twice_a_day(
    db: Database, untidy: TushareServer, market: TushareServer, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """688002.SH is treated since 2026-02-24."""
    periods = []
    for server in (market, untidy):
        monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", server.connection())
        db.execute("TRUNCATE ljwx.names")
        tasks.run(plan_ingest, partition_key=DAY)
        periods.append(special_treatment(WarehouseHook().names()).rows())
    assert periods[0] == periods[1] == [("688002.SH", date(2026, 2, 24), None)]
