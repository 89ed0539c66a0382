"""By when runs should be done."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ljwx.airflow_plugin import LjwxPlugin
from ljwx.deadlines import HOURS, VARIABLE, QueuedAt, deadline

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag


@pytest.fixture(scope="module")
def bag() -> DagBag:
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(str(Path(__file__).resolve().parents[1] / "dags"))


@pytest.mark.parametrize("dag_id", list(HOURS))
def test_every_dag_has_one_deadline_well_before_its_time_out(bag: DagBag, dag_id: str) -> None:
    """A run that was timed out is failed: its deadline would tell nobody."""
    dag = bag.dags[dag_id]
    (alert,) = dag.deadline or []
    assert dag.dagrun_timeout is not None
    assert isinstance(alert.interval, timedelta)
    assert timedelta(0) < alert.interval < dag.dagrun_timeout
    assert alert.reference.reference_name == "QueuedAt"
    assert alert.callback.path == "ljwx.notifications.alerts.LateAlert"


def test_the_plugin_tells_every_process_of_airflow_what_the_deadlines_are_reckoned_from() -> None:
    assert LjwxPlugin().deadline_references == [QueuedAt]
    assert QueuedAt().serialize_reference() == {"reference_type": "QueuedAt"}


def as_list(callbacks: Any) -> list[Any]:
    """A mapped task keeps one callback as it was given."""
    return callbacks if isinstance(callbacks, list) else [callbacks]


def test_every_dag_of_the_folder_is_named(bag: DagBag) -> None:
    assert set(bag.dags) == set(HOURS)


@pytest.mark.parametrize("dag_id", list(HOURS))
def test_every_task_tells_of_failure_and_recovery(bag: DagBag, dag_id: str) -> None:
    working = [task for task in bag.dags[dag_id].tasks if task.task_type != "EmptyOperator"]
    for task in working:
        (failed,), (succeeded,) = map(as_list, (task.on_failure_callback, task.on_success_callback))
        assert (type(failed).__name__, succeeded.__name__) == ("FailureAlert", "note_recovery"), task.task_id


def test_the_environment_moves_single_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "ljwx_model_build=12, ljwx_cleanup=0.01")
    assert deadline("ljwx_model_build").interval == timedelta(hours=12)
    assert deadline("ljwx_cleanup").interval == timedelta(seconds=36)
    assert deadline("ljwx_daily_ingest").interval == timedelta(hours=3)


@pytest.mark.parametrize(
    "text", ["ljwx_model_build", "ljwx_model_build=soon", "no_such_dag=1", "ljwx_cleanup=0", "ljwx_cleanup=nan"]
)
def test_hours_that_cannot_be_meant_are_refused_by_name(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(ValueError, match=VARIABLE):
        deadline("ljwx_cleanup")


def test_the_configuration_file_sets_the_hours_and_the_environment_goes_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LJWX_INCLUDE", str(tmp_path))
    (tmp_path / "training_config.json").write_text('{"deadlines": {"ljwx_model_build": 10, "ljwx_cleanup": 0.25}}')
    monkeypatch.setenv(VARIABLE, "ljwx_cleanup=0.75")
    hours = {dag: deadline(dag).interval / timedelta(hours=1) for dag in HOURS}
    assert hours == {**HOURS, "ljwx_model_build": 10, "ljwx_cleanup": 0.75}


@pytest.mark.parametrize("section", ['{"no_such_dag": 1}', '{"ljwx_cleanup": 0}', '{"ljwx_cleanup": "1"}', "[]"])
def test_hours_of_the_file_that_cannot_be_meant_are_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, section: str
) -> None:
    monkeypatch.setenv("LJWX_INCLUDE", str(tmp_path))
    (tmp_path / "training_config.json").write_text(f'{{"deadlines": {section}}}')
    with pytest.raises(ValueError, match=r"training_config\.json: deadlines: "):
        deadline("ljwx_cleanup")


def test_the_settings_know_the_same_dags_and_hours_and_each_below_its_time_out(bag: DagBag) -> None:
    from ljwx.settings import DeadlineSettings

    assert DeadlineSettings().model_dump() == dict(HOURS)
    for name, field in DeadlineSettings.model_fields.items():
        (most,) = [rule.lt for rule in field.metadata if hasattr(rule, "lt")]
        assert timedelta(hours=most) == bag.dags[name].dagrun_timeout
