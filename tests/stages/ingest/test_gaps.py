"""What the gap check says, and that it says it by the run's day."""

from __future__ import annotations

import logging
from datetime import date, datetime, timezone

import pytest

from ljwx.core.sessions import unbroken
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import REFRESH_SESSIONS
from ljwx.stages.ingest.gaps import check_gaps
from ljwx.warehouse.runs import RunRef
from support_chain import Database, bars_of, whole_day
from support_tasks import TaskRunner

MARCH = "2026-03-20"
LOGGER = "ljwx.stages.ingest.gaps"


def save(*days: str, complete: bool = True) -> None:
    hook = WarehouseHook()
    key = hook.start_run(RunRef("tests", "one", "save"))
    for day in map(date.fromisoformat, days):
        hook.save_day(key, whole_day(day, complete), bars_of(day))


def confirm(*days: str) -> None:
    hook = WarehouseHook()
    hook.save_sessions(hook.start_run(RunRef("tests", "one", "confirm")), [date.fromisoformat(day) for day in days])


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == LOGGER and record.levelname == "WARNING"]


def test_an_empty_warehouse_has_no_gap(db: Database, tasks: TaskRunner, caplog: pytest.LogCaptureFixture) -> None:
    assert tasks.run(check_gaps, partition_key=MARCH) == {"missing": 0, "incomplete": 0, "calendar_days_left": 286}
    assert warnings(caplog) == []


def test_a_week_without_gaps_over_a_weekend_is_silent(
    db: Database, tasks: TaskRunner, caplog: pytest.LogCaptureFixture
) -> None:
    save("2026-03-05", "2026-03-06", "2026-03-09")
    assert tasks.run(check_gaps, partition_key=MARCH)["missing"] == 0
    assert warnings(caplog) == []


def test_missing_sessions_are_one_line_a_gap_with_what_to_do(
    db: Database, tasks: TaskRunner, caplog: pytest.LogCaptureFixture
) -> None:
    save("2026-03-02", "2026-03-06", "2026-03-11")
    assert tasks.run(check_gaps, partition_key=MARCH)["missing"] == 5
    lines = warnings(caplog)
    assert [line.split(": never fetched.")[0] for line in lines] == [
        "2026-03-03 to 2026-03-05",
        "2026-03-09 to 2026-03-10",
    ]
    assert "ljwx_daily_ingest with start_date 2026-03-09 and end_date 2026-03-10" in lines[1]
    assert REFRESH_SESSIONS in lines[1]


def test_holidays_are_no_gap(db: Database, tasks: TaskRunner, caplog: pytest.LogCaptureFixture) -> None:
    save("2025-09-30", "2025-10-09")
    assert tasks.run(check_gaps, partition_key=MARCH)["missing"] == 0
    assert warnings(caplog) == []


def test_a_confirmed_session_that_was_never_fetched_is_missing(db: Database, tasks: TaskRunner) -> None:
    save("2026-03-02")
    confirm("2026-03-02", "2026-03-03")
    assert tasks.run(check_gaps, partition_key=MARCH)["missing"] == 1


def test_weekdays_past_the_calendar_are_missing_only_when_confirmed(db: Database, tasks: TaskRunner) -> None:
    save("2026-12-31", "2027-01-06")
    assert tasks.run(check_gaps, partition_key="2027-01-06")["missing"] == 0
    confirm("2027-01-04")
    assert tasks.run(check_gaps, partition_key="2027-01-06")["missing"] == 1


def test_a_day_that_the_calendar_has_learnt_to_be_closed_is_no_gap(
    db: Database, tasks: TaskRunner, caplog: pytest.LogCaptureFixture
) -> None:
    """2026-10-01 was tried as a session when the shipped calendar ended before it."""
    save("2026-09-30", "2026-10-08")
    save("2026-10-01", complete=False)
    confirm("2026-10-01", "2026-10-02")
    result = tasks.run(check_gaps, partition_key="2026-10-08")
    assert (result["missing"], result["incomplete"]) == (0, 0)
    assert warnings(caplog) == []


def test_incomplete_sessions_are_told_with_their_counts(
    db: Database, tasks: TaskRunner, caplog: pytest.LogCaptureFixture
) -> None:
    save("2026-03-02")
    save("2026-03-03", complete=False)
    result = tasks.run(check_gaps, partition_key=MARCH)
    assert (result["missing"], result["incomplete"]) == (0, 1)
    (line,) = warnings(caplog)
    assert line.startswith("2026-03-03 is incomplete: 3 of 3 bars, 0 missing, 0 in quarantine; ")
    assert "start_date 2026-03-03 and end_date 2026-03-03" in line


def test_complete_sessions_that_lack_what_no_scheduled_run_fills_in_are_told(
    db: Database, tasks: TaskRunner, caplog: pytest.LogCaptureFixture
) -> None:
    save("2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06")
    lacking = "UPDATE ljwx.ingest_days SET absent = %s, deferred = %s WHERE session = ANY (%s)"
    days = [date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 5)]
    db.execute(lacking, ["adj_factor", "trade_cal"], ["adj_factor", "trade_cal"], days)
    db.execute(lacking, ["trade_cal"], ["trade_cal"], [date(2026, 3, 4)])
    tasks.variables["ljwx_training_config"] = {"ingest": {"catch_up": 2}}
    assert tasks.run(check_gaps, partition_key=MARCH)["incomplete"] == 0
    (line,) = warnings(caplog)
    assert line.startswith("2026-03-02 to 2026-03-03 still lack adj_factor, which a limit kept from them")
    assert "start_date 2026-03-02 and end_date 2026-03-03" in line
    caplog.clear()
    tasks.variables.clear()
    tasks.run(check_gaps, partition_key=MARCH)
    assert warnings(caplog) == [], "a scheduled run asks for them"


@pytest.mark.parametrize(("day", "left", "warned"), [("2026-11-30", 31, False), ("2026-12-01", 30, True)])
def test_the_end_of_the_calendar_is_announced_thirty_days_ahead(
    db: Database, tasks: TaskRunner, caplog: pytest.LogCaptureFixture, day: str, left: int, warned: bool
) -> None:
    assert tasks.run(check_gaps, partition_key=day)["calendar_days_left"] == left
    assert [REFRESH_SESSIONS in line for line in warnings(caplog)] == [True] * warned


def test_a_run_past_the_calendars_end_says_so(
    db: Database, tasks: TaskRunner, caplog: pytest.LogCaptureFixture
) -> None:
    tasks.run(check_gaps, partition_key="2027-01-04")
    (line,) = warnings(caplog)
    assert line.startswith("the shipped calendar ended on 2026-12-31; ")


def test_a_run_by_hand_goes_by_its_own_day_in_shanghai(db: Database, tasks: TaskRunner) -> None:
    after = datetime(2026, 11, 30, 17, 0, tzinfo=timezone.utc)
    assert tasks.run(check_gaps, run_after=after)["calendar_days_left"] == 30


def test_nothing_is_written(db: Database, tasks: TaskRunner) -> None:
    save("2026-03-02", "2026-03-06")
    before = db.state()
    tasks.run(check_gaps, partition_key=MARCH)
    assert db.state() == before


def test_runs_of_days_are_parted_where_a_day_between_is_not_among_them() -> None:
    days = [date(2026, 3, day) for day in (2, 3, 4, 5, 6, 9)]
    assert unbroken([days[0], days[2], days[3], days[5]], days) == [
        (days[0], days[0]),
        (days[2], days[3]),
        (days[5], days[5]),
    ]
    assert unbroken(days, days) == [(days[0], days[5])]
    assert unbroken([], days) == []


def test_messages_are_below_the_level_of_errors(
    db: Database, tasks: TaskRunner, caplog: pytest.LogCaptureFixture
) -> None:
    save("2026-03-02", "2026-03-06")
    tasks.run(check_gaps, partition_key="2026-12-31")
    assert max(record.levelno for record in caplog.records if record.name == LOGGER) == logging.WARNING
