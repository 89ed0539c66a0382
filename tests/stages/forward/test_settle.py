"""Answers of the forward record meet what came true, once, and again when bars are corrected."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest
from psycopg.errors import RestrictViolation

from ljwx.core.forward.exported import exported, verify
from ljwx.core.forward.scores import scores
from ljwx.core.sessions import Calendar
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import sse_calendar
from ljwx.stages.forward.settle import settle_sessions
from support_chain import Database, bars_of, whole_day
from support_forward import at, stop_clock
from support_settled import DAYS, MONDAY, STOCKS, Record, record_until_wednesday, said
from support_tasks import TaskRunner

OUTCOMES = "SELECT * FROM ljwx.forward_outcomes ORDER BY session, ts_code, task, revision"
DUTY = 0.0005


@pytest.fixture
def record(warehouse_url: str) -> Record:
    return record_until_wednesday(warehouse_url)


def test_nothing_is_settled_before_the_horizon_is_over(warehouse_url: str, tasks: TaskRunner) -> None:
    record = Record(warehouse_url)
    record.bars(MONDAY)
    record.answer(said(STOCKS[0]))
    record.bars(DAYS[1])
    assert tasks.run(settle_sessions) == {"sessions": 0, "new": 0, "revised": 0}


def test_each_question_is_settled_by_the_labeller_of_its_batch(record: Record, db: Database, tasks: TaskRunner) -> None:
    assert tasks.run(settle_sessions) == {"sessions": 1, "new": 4, "revised": 0}
    first, risk, *others = db.rows(OUTCOMES)
    # Bought at 10 on Tuesday and sold at 10.4 on Wednesday; the others at 10.2.
    net = 1.04 * (1 - DUTY) - 1
    market = (net + 2 * (1.02 * (1 - DUTY) - 1)) / 3
    assert first["net"] == pytest.approx(net)
    assert first["excess"] == pytest.approx(net - market)
    assert (first["label"], first["label_end"], first["revision"]) == ("up", DAYS[2], 1)
    assert (first["entry_session"], first["exit_session"]) == (DAYS[1], DAYS[2])
    assert first["settled_at"] == at(MONDAY, 19)
    assert (risk["task"], risk["label"]) == ("risk_assessment", "medium")
    assert [row["label"] for row in others] == ["up", "up"]


def test_settled_again_nothing_changes(record: Record, db: Database, tasks: TaskRunner) -> None:
    tasks.run(settle_sessions)
    before = db.rows(OUTCOMES)
    record.bars(DAYS[3])
    record.bars(DAYS[4])
    assert tasks.run(settle_sessions)["new"] == 0
    assert db.rows(OUTCOMES) == before
    assert record.hook.sessions_to_settle() == []


def test_a_correction_of_bars_settles_anew_and_keeps_what_was_known(
    record: Record, db: Database, tasks: TaskRunner
) -> None:
    tasks.run(settle_sessions)
    record.bars(DAYS[2], close={"000001.SZ": 9.8})
    # Its own label, both of its tasks, and the excess of the others, whose market it is.
    assert tasks.run(settle_sessions) == {"sessions": 1, "new": 0, "revised": 4}
    mine = [row for row in db.rows(OUTCOMES) if row["ts_code"] == STOCKS[0] and row["task"] == "price_direction"]
    assert [(row["revision"], row["label"]) for row in mine] == [(1, "up"), (2, "down")]
    assert record.hook.settled_record().filter(ts_code=STOCKS[0], task="price_direction")["label"].to_list() == ["down"]


def test_what_could_not_be_bought_has_no_outcome_for_a_reason(
    warehouse_url: str, db: Database, tasks: TaskRunner
) -> None:
    record = Record(warehouse_url)
    record.bars(MONDAY)
    record.answer(*(said(code) for code in STOCKS))
    locked = {STOCKS[0]: 11.0}
    record.bars(DAYS[1], open=locked, high=locked, low=locked, close=locked)
    record.bars(DAYS[2])
    tasks.run(settle_sessions)
    row, *_ = db.rows(OUTCOMES)
    assert (row["label"], row["reason"], row["net"]) == (None, "entry_at_limit_up", None)


def test_what_cannot_be_sold_waits_for_the_roll_of_its_exit(
    warehouse_url: str, db: Database, tasks: TaskRunner
) -> None:
    record = Record(warehouse_url)
    record.bars(MONDAY)
    record.answer(*(said(code) for code in STOCKS))
    record.bars(DAYS[1])
    record.bars(DAYS[2], close={STOCKS[0]: 9.0})
    assert tasks.run(settle_sessions)["new"] == 2
    record.bars(DAYS[3])
    assert tasks.run(settle_sessions) == {"sessions": 1, "new": 1, "revised": 0}
    assert db.rows(OUTCOMES)[0]["label_end"] == DAYS[3]


def test_a_session_that_is_missing_between_is_waited_for(warehouse_url: str, tasks: TaskRunner) -> None:
    record = Record(warehouse_url)
    record.bars(MONDAY)
    record.answer(said(STOCKS[0]))
    record.bars(DAYS[2])
    record.bars(DAYS[3])
    assert tasks.run(settle_sessions) == {"sessions": 1, "new": 0, "revised": 0}
    record.bars(DAYS[1])
    assert tasks.run(settle_sessions)["new"] == 1


def test_a_session_that_turns_out_closed_is_no_session_once_the_calendar_says_so(
    warehouse_url: str, db: Database, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exchange was shut on Tuesday, whose morning was the deadline."""
    record = Record(warehouse_url)
    record.bars(MONDAY)
    record.answer(said(STOCKS[0]))
    record.bars(DAYS[2])
    record.bars(DAYS[3], close={STOCKS[0]: 10.4})
    assert tasks.run(settle_sessions)["new"] == 0
    told = sse_calendar()
    corrected = Calendar(tuple(day for day in told.sessions if day != DAYS[1]), told.known_through)
    monkeypatch.setattr("ljwx.warehouse.market.reference.sse_calendar", lambda: corrected)
    assert tasks.run(settle_sessions)["new"] == 1
    (row,) = db.rows(OUTCOMES)
    assert (row["entry_session"], row["exit_session"], row["label"]) == (DAYS[2], DAYS[3], "up")
    batch = record.hook.seal_batch(MONDAY)
    assert batch is not None
    verified = verify(exported(batch, record.hook.forward_answers(MONDAY)), batch.digest, corrected)
    assert (verified.problems, verified.gaps) == ((), ())


def test_a_stock_that_is_delisted_before_its_horizon_is_over_is_worth_its_last_close(
    warehouse_url: str, db: Database, tasks: TaskRunner
) -> None:
    record = Record(warehouse_url)
    record.bars(MONDAY)
    record.answer(said(STOCKS[0]))
    record.bars(DAYS[1], close={STOCKS[0]: 9.0})
    others = bars_of(DAYS[2]).filter(pl.col("ts_code") != STOCKS[0])
    record.hook.save_day(record.key, whole_day(DAYS[2], expected=2, received=2), others)
    assert tasks.run(settle_sessions)["new"] == 0  # it may be suspended, and trade again
    gone = {"ts_code": STOCKS[0], "list_status": "D", "list_date": date(2000, 1, 4), "delist_date": DAYS[2]}
    record.hook.save_instruments(record.key, pl.DataFrame([gone]))
    assert tasks.run(settle_sessions)["new"] == 1
    (row,) = db.rows(OUTCOMES)
    assert (row["label"], row["exit_session"], row["label_end"]) == ("down", DAYS[1], DAYS[2])
    assert row["net"] == pytest.approx(0.9 * (1 - DUTY) - 1)


def test_a_session_that_stays_open_makes_no_later_one_read_more(
    record: Record, warehouse_url: str, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = [date(2026, 6, 1), date(2026, 6, 2), date(2026, 6, 3)]
    stop_clock(warehouse_url, at(later[0], 19))
    record.bars(later[0])
    record.answer(said(STOCKS[0], session=later[0]))
    for day in later[1:]:
        record.bars(day)
    read, bars = [], WarehouseHook.bars

    def noted(hook: WarehouseHook, first: date, last: date, *given: Any) -> pl.DataFrame:
        read.append((first, last))
        return bars(hook, first, last, *given)

    monkeypatch.setattr(WarehouseHook, "bars", noted)
    assert tasks.run(settle_sessions) == {"sessions": 2, "new": 5, "revised": 0}
    (march, _), (june, until) = read
    assert march < MONDAY < date(2026, 5, 1) < june < later[0] < until


@pytest.mark.parametrize("edit", ["UPDATE {} SET label = 'up'", "DELETE FROM {}", "TRUNCATE {}"])
def test_no_outcome_is_ever_changed_or_removed(record: Record, db: Database, tasks: TaskRunner, edit: str) -> None:
    tasks.run(settle_sessions)
    with pytest.raises(RestrictViolation, match="is a record"):
        db.execute(edit.format("ljwx.forward_outcomes"))


def test_the_record_is_scored_from_the_database(record: Record, warehouse_url: str, tasks: TaskRunner) -> None:
    record.answer(
        said(STOCKS[0], answerer="class_rates", digest=None, line_id=None),
        said(STOCKS[1], answerer="broken", probabilities=None, reason="no_class"),
        said(STOCKS[0], digest="e" * 64, probabilities={"up": 0.0, "flat": 0.0, "down": 1.0}),  # replaced half-way
    )
    record.hook.seal_batch(MONDAY)
    stop_clock(warehouse_url, at(MONDAY, 10, days=1))
    tasks.run(settle_sessions)
    settled = record.hook.settled_record()
    assert not settled["late"].any()
    assert (
        settled.filter(answerer="model:v1", task="price_direction")["probabilities"].to_list() == [[0.5, 0.3, 0.2]] * 3
    )
    found = {each.answerer: each for each in scores(settled, DAYS[:3]) if each.task == "price_direction"}
    assert set(found) == {"model:v1", "class_rates", "broken"}
    assert (found["model:v1"].hit_rate.mean, found["model:v1"].coverage) == (1, 1)
    assert found["broken"].valid == 0


@pytest.mark.parametrize("sealed", [False, True])
def test_answers_in_time_that_were_not_sealed_in_time_count_nowhere(
    record: Record, warehouse_url: str, tasks: TaskRunner, sealed: bool
) -> None:
    stop_clock(warehouse_url, at(MONDAY, 9, 14, days=1))
    record.answer(said(STOCKS[1], answerer="held back"))
    stop_clock(warehouse_url, at(MONDAY, 9, 15, days=1))
    record.answer(said(STOCKS[2], answerer="slow"))
    if sealed:
        record.hook.seal_batch(MONDAY)
    tasks.run(settle_sessions)
    settled = record.hook.settled_record()
    assert settled["late"].to_list() == [True] * 6
    assert scores(settled, DAYS[:3]) == ()


def test_an_outcome_that_nobody_computed_is_followed_by_the_computed_one(
    record: Record, db: Database, tasks: TaskRunner
) -> None:
    """As docs/connections.md tells the owner to do."""
    tasks.run(settle_sessions)
    db.execute(
        "INSERT INTO ljwx.forward_outcomes SELECT session, ts_code, task, 2, 'down', reason, -0.5, -0.5,"
        " realised_volatility, max_drawdown, entry_session, exit_session, label_end, known_at, settled_at, run_key"
        " FROM ljwx.forward_outcomes WHERE ts_code = %s AND task = 'price_direction'", STOCKS[0],
    )  # fmt: skip
    db.execute("DELETE FROM ljwx.forward_settled")
    assert tasks.run(settle_sessions) == {"sessions": 1, "new": 0, "revised": 1}
    mine = [row["label"] for row in db.rows(OUTCOMES) if row["ts_code"] == STOCKS[0] and row["label"] != "medium"]
    assert mine == ["up", "down", "up"]
