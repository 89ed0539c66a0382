"""Which run announces which sessions: each run its own, a backfill's last one those of all."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from ljwx.assets import BARS
from ljwx.stages.ingest.announcing import announce_bars
from support_chain import Database
from support_tasks import TaskRunner

DAYS = ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"]


def announced(tasks: TaskRunner, day: str, run_type: str = "backfill") -> list[str]:
    """Let a run about one session announce what it has to, and return that; a run that has nothing ends as skipped."""
    tasks.outlets.clear()
    try:
        count = tasks.run(announce_bars, partition_key=day, run_type=run_type)
    except AirflowSkipException:
        assert BARS not in tasks.outlets
        return []
    assert count == len(tasks.outlets[BARS].partitions)
    return list(tasks.outlets[BARS].partitions)


@pytest.fixture
def runs(market_db: Database, tasks: TaskRunner) -> TaskRunner:
    """A backfill of four sessions, all of them queued; runs are numbered as they come."""
    tasks.unfinished = {f"backfill__{number}" for number in range(1, len(DAYS) + 1)}
    return tasks


def test_the_last_run_of_a_backfill_announces_every_session_once(runs: TaskRunner) -> None:
    assert [announced(runs, day) for day in DAYS] == [[], [], [], DAYS]


def test_a_run_that_leaves_its_session_ends_as_skipped_because_a_success_would_announce_its_key(
    runs: TaskRunner,
) -> None:
    with pytest.raises(AirflowSkipException, match=r"left to the last of 3 more run\(s\) of this backfill"):
        runs.run(announce_bars, partition_key=DAYS[0], run_type="backfill")


def test_a_run_that_ended_without_coming_here_is_not_waited_for(runs: TaskRunner) -> None:
    runs.unfinished -= {"backfill__3", "backfill__4"}
    assert [announced(runs, day) for day in DAYS[:2]] == [[], DAYS[:2]]


def test_two_that_are_both_still_running_do_not_leave_it_to_each_other(runs: TaskRunner) -> None:
    runs.unfinished = {"backfill__1", "backfill__2"}
    assert [announced(runs, day) for day in DAYS[:2]] == [[], DAYS[:2]]


def test_what_a_dead_backfill_left_is_announced_by_the_next_run_of_any_kind_and_only_once(runs: TaskRunner) -> None:
    assert [announced(runs, day) for day in DAYS[:2]] == [[], []]
    assert announced(runs, DAYS[2], run_type="scheduled") == DAYS[:3]
    assert announced(runs, DAYS[3], run_type="scheduled") == DAYS[3:]


def test_a_run_that_is_tried_again_announces_the_same_again(runs: TaskRunner, monkeypatch: Any) -> None:
    runs.unfinished = {"backfill__1", "backfill__2"}
    announced(runs, DAYS[0])
    assert announced(runs, DAYS[1]) == DAYS[:2]
    monkeypatch.setitem(runs._runs, "announce_bars", 1)
    assert announced(runs, DAYS[1]) == DAYS[:2]


def test_a_run_by_hand_announces_its_whole_range_whatever_else_is_queued(runs: TaskRunner) -> None:
    runs.run(announce_bars, params={"start_date": DAYS[0], "end_date": DAYS[-1]}, run_id="manual__range")
    assert runs.outlets[BARS].partitions == DAYS


def test_a_session_that_is_not_complete_is_not_announced(runs: TaskRunner, market_db: Database) -> None:
    market_db.execute("UPDATE ljwx.ingest_days SET complete = false WHERE session = %s", DAYS[1])
    runs.unfinished = {"backfill__1", "backfill__2"}
    assert [announced(runs, day) for day in DAYS[:2]] == [[], DAYS[:1]]
    with pytest.raises(AirflowSkipException, match=f"no session from {DAYS[1]} to {DAYS[1]} is complete"):
        runs.run(announce_bars, partition_key=DAYS[1], run_type="scheduled")


def test_sessions_that_the_plan_of_a_run_completed_are_announced_with_its_own(
    runs: TaskRunner, market_db: Database
) -> None:
    """Codes that ended were all that they lacked."""
    run_key = market_db.insert(
        "INSERT INTO ljwx.runs (dag_id, run_id, task_id, map_index, inputs) "
        "VALUES ('tests', 'scheduled__1', 'plan_ingest', -1, '{}') RETURNING run_key"
    )
    market_db.execute("UPDATE ljwx.ingest_days SET run_key = %s WHERE session = %s", run_key, DAYS[0])
    assert announced(runs, DAYS[2], run_type="scheduled") == [DAYS[0], DAYS[2]]


def test_wrong_dates_are_reported_by_the_plan_and_not_twice(runs: TaskRunner) -> None:
    with pytest.raises(AirflowSkipException, match="plan_ingest says why: give start_date and end_date"):
        runs.run(announce_bars)
