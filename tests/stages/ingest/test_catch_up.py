"""A scheduled run after a time when the stack was down: what it makes up for, and how far back."""

from __future__ import annotations

import logging
from datetime import date
from typing import Any

import pytest

from ljwx.core.sessions import Calendar
from ljwx.exceptions import ConfigurationError, NotYetPublished
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import sse_calendar
from ljwx.stages.ingest import catch_up
from ljwx.stages.ingest.announcing import announce_bars
from ljwx.stages.ingest.bars import ingest_bars
from ljwx.stages.ingest.catch_up import runs_of
from ljwx.stages.ingest.features import compute_features
from ljwx.stages.ingest.gaps import check_gaps
from ljwx.stages.ingest.plan import plan_ingest
from ljwx_sandbox.postgres import EmbeddedPostgres
from support_alerts import connection, listening
from support_chain import Database, copied, ingest
from support_tasks import TaskRunner
from support_tushare import TushareServer

LAST_UP, OWN = "2026-01-14", "2026-03-06"
OFF = [f"{day}" for day in sse_calendar().between(date(2026, 1, 15), date(2026, 3, 5))]
"""The sessions for which the stack was down."""
BARS = """
SELECT session, ts_code, open, high, low, close, pre_close, vol, amount, adj_factor, up_limit, down_limit, flags
FROM ljwx.current_bars WHERE session BETWEEN %s AND %s ORDER BY session, ts_code
"""


def spans(chunks: list[dict[str, str]]) -> list[tuple[str, str, bool]]:
    return [(chunk["first"], chunk["last"], "catch_up" in chunk) for chunk in chunks]


def plan(tasks: TaskRunner, session: str = OWN, run_type: str = "scheduled", **settings: Any) -> list[dict[str, str]]:
    if settings:
        tasks.variables["ljwx_training_config"] = {"ingest": settings}
    return tasks.run(plan_ingest, partition_key=session, run_type=run_type)


@pytest.fixture
def down(db: Database, market: TushareServer, tasks: TaskRunner) -> TaskRunner:
    """A stack that was up for two weeks, and then not."""
    ingest(tasks, "2026-01-05", LAST_UP)
    return tasks


def test_a_stack_that_was_off_for_thirty_sessions_is_whole_after_one_scheduled_run(
    db: Database, postgres: EmbeddedPostgres, ingested: str, down: TaskRunner, caplog: pytest.LogCaptureFixture
) -> None:
    assert len(OFF) == 30
    with caplog.at_level(logging.WARNING):
        chunks = plan(down)
    assert spans(chunks) == [
        ("2026-01-15", "2026-01-30", True), ("2026-02-02", "2026-02-27", True), ("2026-03-02", "2026-03-05", True),
        (OWN, OWN, False),
    ]  # fmt: skip
    told = f"{len(OFF)} earlier session(s), 2026-01-15 to 2026-03-05, are missing or lack something"
    assert any(told in text for text in caplog.messages)
    for chunk in chunks:
        down.run(ingest_bars, chunk)
    down.run(compute_features, chunks)
    assert down.run(announce_bars, chunks, partition_key=OWN, run_type="scheduled") == len(OFF) + 1
    (event,) = down.outlets.values()
    assert event.partitions == [*OFF, OWN], "one event a session"
    found = down.run(check_gaps, partition_key=OWN)
    assert (found["missing"], found["incomplete"]) == (0, 0)
    assert db.column("SELECT outputs -> 'catch_up' FROM ljwx.runs WHERE task_id = 'plan_ingest'") == [None, len(OFF)]
    with copied(postgres, ingested) as never_down:
        assert db.rows(BARS, LAST_UP, OWN) == never_down.rows(BARS, LAST_UP, OWN)


def test_no_further_back_than_the_setting_says(down: TaskRunner) -> None:
    assert spans(plan(down, catch_up=3)) == [("2026-03-03", "2026-03-05", True), (OWN, OWN, False)]
    assert spans(plan(down, catch_up=0)) == [(OWN, OWN, False)]


def test_nothing_before_the_first_session_that_was_ever_complete(
    db: Database, market: TushareServer, tasks: TaskRunner
) -> None:
    assert spans(plan(tasks)) == [(OWN, OWN, False)]
    ingest(tasks, "2026-03-03", "2026-03-03")
    assert spans(plan(tasks)) == [("2026-03-04", "2026-03-05", True), (OWN, OWN, False)]


@pytest.mark.parametrize("run_type", ["manual", "backfill"])
def test_a_run_that_a_person_started_fetches_what_it_was_asked_for(down: TaskRunner, run_type: str) -> None:
    assert spans(plan(down, run_type=run_type)) == [(OWN, OWN, False)]


def test_sessions_that_are_whole_are_not_fetched_again(db: Database, down: TaskRunner) -> None:
    ingest(down, "2026-01-15", "2026-02-06")
    ingest(down, "2026-02-25", "2026-03-04")
    db.execute("UPDATE ljwx.ingest_days SET complete = false WHERE session = '2026-02-26'")
    assert spans(plan(down)) == [
        ("2026-02-09", "2026-02-24", True), ("2026-02-26", "2026-02-26", True),
        ("2026-03-05", "2026-03-05", True), (OWN, OWN, False),
    ]  # fmt: skip


def test_one_that_stays_incomplete_does_not_fail_the_run_and_is_tried_again_by_the_next(
    db: Database, market: TushareServer, down: TaskRunner, caplog: pytest.LogCaptureFixture
) -> None:
    earlier, own = plan(down, catch_up=1)
    market.faults(daily={"kind": "partial", "share": 0.5, "count": 1})
    with caplog.at_level(logging.WARNING):
        assert down.run(ingest_bars, earlier)["sessions"] == 1
    assert any(text.startswith("1 earlier session(s) are still incomplete: 2026-03-05: ") for text in caplog.messages)
    assert db.column("SELECT session::text FROM ljwx.ingest_days WHERE NOT complete") == ["2026-03-05"]
    down.run(ingest_bars, own)
    down.run(announce_bars, [earlier, own], partition_key=OWN, run_type="scheduled")
    (event,) = down.outlets.values()
    assert event.partitions == [OWN]
    following = spans(plan(down, "2026-03-09", catch_up=2))
    assert following == [("2026-03-05", "2026-03-05", True), ("2026-03-09", "2026-03-09", False)]


def test_its_own_session_fails_it_as_ever(market: TushareServer, down: TaskRunner) -> None:
    *_, own = plan(down)
    market.faults(daily={"kind": "partial", "share": 0.5, "count": 1})
    with pytest.raises(NotYetPublished, match=OWN):
        down.run(ingest_bars, own)


def test_a_day_that_was_closed_parts_nothing_and_is_not_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the end of the shipped calendar each weekday may be a session; 2027-01-01 was a holiday."""
    monkeypatch.setattr(catch_up, "sse_calendar", lambda: Calendar((date(2026, 12, 31),), date(2026, 12, 31)))
    days = [date(2026, 12, 31), date(2027, 1, 4), date(2027, 1, 6)]
    assert list(runs_of(days, [date(2027, 1, 1)])) == [days[:2], days[2:]]
    assert list(runs_of([], [])) == []


def test_past_the_shipped_calendar_only_what_the_source_confirms_is_made_up_for(
    db: Database, market: TushareServer, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = Calendar(sse_calendar().between(date(2026, 1, 5), date(2026, 2, 13)), date(2026, 2, 13))
    for module in ("catch_up", "plan", "ranges"):
        monkeypatch.setattr(f"ljwx.stages.ingest.{module}.sse_calendar", lambda: short)
    ingest(tasks, "2026-02-13", "2026-02-13")
    confirmed = [("2026-02-24", "2026-02-25", True), ("2026-02-26", "2026-02-26", False)]
    assert spans(plan(tasks, "2026-02-26")) == confirmed
    market.faults(trade_cal={"kind": "hour_limit"})
    db.execute("DELETE FROM ljwx.kept_answers")
    assert spans(plan(tasks, "2026-02-26")) == [("2026-02-26", "2026-02-26", False)]


def test_the_days_of_two_years_are_one_question_about_the_calendar(
    db: Database, market: TushareServer, tasks: TaskRunner
) -> None:
    """A small token has no second one within the hour."""
    ingest(tasks, "2025-12-30", "2025-12-30")
    db.execute("DELETE FROM ljwx.kept_answers")
    before = market.stats()["calls"]["trade_cal"]
    planned = spans(plan(tasks, "2026-01-06"))
    assert planned == [
        ("2025-12-31", "2025-12-31", True), ("2026-01-05", "2026-01-05", True), ("2026-01-06", "2026-01-06", False),
    ]  # fmt: skip
    assert market.stats()["calls"]["trade_cal"] == before + 1


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # of apprise
def test_alerts_that_reached_nobody_go_out_whatever_becomes_of_the_next_run(
    db: Database, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_TUSHARE_DEFAULT", raising=False)
    WarehouseHook().note_incident("ljwx_model_build", "r1", "failed", "train_model")
    db.execute("UPDATE ljwx.incidents SET sending_since = now() - interval '3 minutes'")
    with listening() as inbox:
        monkeypatch.setenv("AIRFLOW_CONN_LJWX_ALERTS", connection(inbox.address()))
        with pytest.raises(ConfigurationError, match="tushare_default"):
            plan(tasks)
    assert inbox.titles() == ["ljwx · 补发 SENT LATER"]
    assert "ljwx_model_build · r1 · train_model" in inbox.posts[0]["message"]
