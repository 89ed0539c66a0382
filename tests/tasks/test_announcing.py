"""Which run announces which sessions: each run its own, a backfill's last one those of all."""

from __future__ import annotations

from typing import Any

import pytest

from ljwx.assets import BARS
from ljwx.tasks.features import compute_features
from support_chain import Database
from support_tasks import TaskRunner

DAYS = ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"]


def compute(tasks: TaskRunner, day: str, run_type: str = "backfill") -> list[str]:
    """Let a run about one session compute its features, and return what it announced."""
    tasks.outlets.clear()
    tasks.run(compute_features, [{"first": day, "last": day}], partition_key=day, run_type=run_type)
    return list(tasks.outlets[BARS].partitions)


@pytest.fixture
def runs(market_db: Database, tasks: TaskRunner) -> TaskRunner:
    """A backfill of four sessions, all of them queued; runs are numbered as they come."""
    tasks.unfinished = {f"backfill__{number}" for number in range(1, len(DAYS) + 1)}
    return tasks


def test_the_last_run_of_a_backfill_announces_every_session_once(runs: TaskRunner) -> None:
    announced = [compute(runs, day) for day in DAYS]
    assert announced == [[], [], [], DAYS]


def test_a_run_that_failed_is_not_waited_for(runs: TaskRunner) -> None:
    runs.unfinished -= {"backfill__3", "backfill__4"}
    assert [compute(runs, day) for day in DAYS[:2]] == [[], DAYS[:2]]


def test_two_that_are_both_still_running_do_not_leave_it_to_each_other(runs: TaskRunner) -> None:
    runs.unfinished = {"backfill__1", "backfill__2"}
    assert [compute(runs, day) for day in DAYS[:2]] == [[], DAYS[:2]]


def test_what_a_dead_backfill_left_is_announced_by_the_next_run_of_any_kind_and_only_once(runs: TaskRunner) -> None:
    assert [compute(runs, day) for day in DAYS[:2]] == [[], []]
    assert compute(runs, DAYS[2], run_type="scheduled") == DAYS[:3]
    assert compute(runs, DAYS[3], run_type="scheduled") == DAYS[3:]


def test_a_run_that_is_tried_again_announces_the_same_again(runs: TaskRunner, monkeypatch: Any) -> None:
    runs.unfinished = {"backfill__1", "backfill__2"}
    compute(runs, DAYS[0])
    assert compute(runs, DAYS[1]) == DAYS[:2]
    monkeypatch.setitem(runs._runs, "compute_features", 1)
    assert compute(runs, DAYS[1]) == DAYS[:2]


def test_a_run_by_hand_announces_its_own_whatever_else_is_queued(runs: TaskRunner) -> None:
    assert compute(runs, DAYS[0], run_type="manual") == DAYS[:1]
