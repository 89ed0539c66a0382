"""What a run of the ingest comes to when some of its months fail: Airflow's own scheduling decides, in one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from support_chain import Database
from support_tushare import REPOSITORY, TushareServer

SCRIPT = """
import json, os, sys
from airflow.dag_processing.dagbag import DagBag
dag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"]).dags["ljwx_daily_ingest"]
dag.deadline = None
for task in dag.tasks:
    if task.is_mapped:
        task.partial_kwargs["retries"] = 0
    else:
        task.retries = 0
for line in sys.stdin:
    asked = json.loads(line)
    os.environ.update(asked["environment"])
    run = dag.test(run_conf=asked["conf"])
    found = [[each.task_id, each.state] for each in run.get_task_instances()]
    print("ended", json.dumps([run.state, found]), flush=True)
"""
"""Runs the DAG in one process, without retries, as often as it is asked to."""

CONNECTIONS = ("AIRFLOW_CONN_LJWX_POSTGRES", "AIRFLOW_CONN_TUSHARE_DEFAULT")


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    """A process that runs the DAG on an Airflow database of its own."""
    home = tmp_path_factory.mktemp("airflow")
    environment = os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
        "LJWX_SCHEDULES": "off",
        "PYTHONPATH": str(REPOSITORY / "plugins"),
    }
    for command in ("db migrate", "dags reserialize"):
        made = [sys.executable, "-m", "airflow", *command.split()]
        subprocess.run(made, env=environment, capture_output=True, timeout=180, check=True)
    with (
        (home / "log").open("w") as log,
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
        ) as process,
    ):  # fmt: skip
        yield process
        assert process.stdin is not None
        process.stdin.close()
        process.wait(30)


def ended(airflow: subprocess.Popen[str], first: str, last: str) -> tuple[str, dict[str, Counter[str]]]:
    """Run the DAG over a range; return its state, and the states of each task's instances."""
    asked = {
        "environment": {name: os.environ[name] for name in CONNECTIONS},
        "conf": {"start_date": first, "end_date": last},
    }
    assert airflow.stdin is not None
    assert airflow.stdout is not None
    airflow.stdin.write(json.dumps(asked) + "\n")
    airflow.stdin.flush()
    said = next(line for line in airflow.stdout if line.startswith("ended "))
    state, instances = json.loads(said.removeprefix("ended "))
    tasks: dict[str, Counter[str]] = {}
    for task, each in instances:
        tasks.setdefault(task, Counter())[each] += 1
    return state, tasks


def literal(fields: list[str], *items: list[Any]) -> dict[str, Any]:
    data = {"fields": fields, "items": items, "has_more": False}
    return {"kind": "literal", "body": json.dumps({"code": 0, "data": data, "msg": ""})}


def test_the_other_months_get_their_features_when_one_is_incomplete_and_the_run_fails_all_the_same(
    airflow: subprocess.Popen[str], db: Database, market: TushareServer
) -> None:
    market.faults(daily={"kind": "partial", "share": 0.5, "count": 1})
    state, tasks = ended(airflow, "2026-02-26", "2026-03-04")
    assert tasks["ingest_bars"] == Counter(failed=1, success=1)
    assert tasks["compute_features"] == tasks["announce_bars"] == tasks["check_gaps"] == Counter(success=1)
    assert tasks["whole"] == Counter(upstream_failed=1)
    assert state == "failed"
    assert db.value("SELECT count(*) FROM ljwx.ingest_days WHERE NOT complete") == 1
    complete = db.column("SELECT session::text FROM ljwx.ingest_days WHERE complete ORDER BY 1")
    assert len(complete) == 4
    assert db.column("SELECT DISTINCT session::text FROM ljwx.features ORDER BY 1") == complete


def test_a_closed_day_skips_everything_and_a_plan_that_fails_fails_the_run(
    airflow: subprocess.Popen[str], db: Database, market: TushareServer
) -> None:
    columns = ["exchange", "cal_date", "is_open", "pretrade_date"]
    market.faults(trade_cal=literal(columns, ["SSE", "20260302", 0, "20260227"]))
    state, tasks = ended(airflow, "2026-03-02", "2026-03-02")
    assert {name for name, states in tasks.items() if states == Counter(success=1)} == {"migrate_warehouse"}
    assert {state for states in tasks.values() for state in states} == {"success", "skipped"}
    assert state == "success"
    state, tasks = ended(airflow, "2026-03-08", "2026-03-08")
    assert state == "failed"
    assert tasks["check_gaps"] == tasks["whole"] == Counter(upstream_failed=1)
