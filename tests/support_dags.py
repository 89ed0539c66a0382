"""Whole runs of a DAG: Airflow's own scheduling decides, in one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from support_tushare import REPOSITORY

SCRIPT = """
import json, os, sys
from contextlib import nullcontext
from unittest import mock
from airflow.dag_processing.dagbag import DagBag
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import clear_task_instances
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType

def again(run, task):
    # What `test` asks for a new run is answered with the last one, of which some tasks are to do again.
    following = {task, *dags[run.dag_id].get_task(task).get_flat_relative_ids(upstream=False)}
    with create_session() as session:
        cleared = [each for each in run.get_task_instances(session=session) if each.task_id in following]
        clear_task_instances(cleared, session, dag_run_state="running")

    def found(*, dag, session, **new):
        same = session.get(DagRun, run.id)
        same.dag = dag
        return same

    return mock.patch("airflow.models.dagrun.get_or_create_dagrun", found)

def scheduled(key):
    # What the scheduler makes of a session.
    def made(*, dag, session, run_after, start_date, **_):
        return dag.create_dagrun(
            run_id=f"scheduled__{key}__{run_after.timestamp()}", run_type=DagRunType.SCHEDULED, partition_key=key,
            run_after=run_after, start_date=start_date, state=DagRunState.RUNNING,
            triggered_by=DagRunTriggeredByType.TIMETABLE, session=session,
        )

    return mock.patch("airflow.models.dagrun.get_or_create_dagrun", made)

dags = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"]).dags
for task in [task for dag in dags.values() for task in dag.tasks]:
    if task.is_mapped:
        task.partial_kwargs["retries"] = 0
    else:
        task.retries = 0
for line in sys.stdin:
    asked = json.loads(line)
    for name in [name for name in os.environ if name.startswith(tuple(asked["ours"]))]:
        del os.environ[name]
    os.environ.update(asked["environment"])
    dags[asked["dag_id"]].deadline = None
    patched = again(run, asked["clear"]) if asked["clear"] else nullcontext()
    with scheduled(asked["session"]) if asked["session"] else patched:
        run = dags[asked["dag_id"]].test(run_conf=asked["conf"])
    found = [[each.task_id, each.state] for each in run.get_task_instances()]
    print("ended", json.dumps([run.state, found]), flush=True)
"""
"""Runs DAGs in one process, without retries, as often as it is asked to."""

OURS = ("AIRFLOW_CONN_", "AIRFLOW_VAR_", "LJWX_")
OFF = {"LJWX_SCHEDULES": "off"}


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    """A process that runs DAGs on an Airflow database of its own."""
    home = tmp_path_factory.mktemp("airflow")
    environment = os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "plugins"), str(REPOSITORY / "sandbox")]),
        **OFF,
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


def ended(
    airflow: subprocess.Popen[str],
    dag_id: str,
    conf: dict[str, Any],
    clear: str | None = None,
    session: str | None = None,
) -> tuple[str, dict[str, Counter[str]]]:
    """Run a DAG with the connections and Variables of now, and no others.

    :param clear: run this task and what follows once more in the last run, in place of a new one.
    :param session: of a run that the clock starts; by default a person starts it.
    :return: the run's state, and those of each task's instances.
    """
    environment = OFF | {name: value for name, value in os.environ.items() if name.startswith(OURS)}
    assert airflow.stdin is not None
    assert airflow.stdout is not None
    asked = {"dag_id": dag_id, "ours": OURS, "environment": environment, "conf": conf}
    asked |= {"clear": clear, "session": session}
    airflow.stdin.write(json.dumps(asked) + "\n")
    airflow.stdin.flush()
    said = next(line for line in airflow.stdout if line.startswith("ended "))
    state, instances = json.loads(said.removeprefix("ended "))
    tasks: dict[str, Counter[str]] = {}
    for task, each in instances:
        tasks.setdefault(task, Counter())[each] += 1
    return state, tasks
