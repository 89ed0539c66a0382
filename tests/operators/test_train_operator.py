"""A job folder run to its result: by a trainer that trains nothing, in real processes."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from airflow.sdk.exceptions import TaskDeferred

from ljwx.core.training.job import Started, TrainingSettings
from ljwx.exceptions import ConfigurationError, TrainingFailed
from ljwx.launchers.folder import remember
from ljwx.launchers.following import begin
from ljwx.launchers.process import ProcessLauncher
from ljwx.operators.training import TrainOperator
from ljwx.triggers.training import TrainingTrigger
from support_trainer import fake_python, kill_leftovers, make_job, process_of, starts, steps_of, wait

DONE = {"gguf_sha256": "a" * 64, "adapter_sha256": "b" * 64}


@pytest.fixture
def python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    path = fake_python(tmp_path)
    configure(monkeypatch, python=path)
    yield path
    kill_leftovers(tmp_path)


def configure(monkeypatch: pytest.MonkeyPatch, **training: Any) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_LJWX_TRAINING_CONFIG", json.dumps({"training": training}))


def operator(job: Path, **arguments: Any) -> TrainOperator:
    return TrainOperator(task_id="train_model", job=str(job), poll_seconds=0.02, **arguments)


def trigger_of(task: TrainOperator, run: Any) -> TrainingTrigger:
    """Run up to the deferral; return the trigger as another process would make it from the database's text."""
    with pytest.raises(TaskDeferred) as caught:
        run()
    assert caught.value.method_name == "finish"
    path, fields = caught.value.trigger.serialize()
    assert path == "ljwx.triggers.training.TrainingTrigger"
    return TrainingTrigger(**json.loads(json.dumps(fields)))


def event_of(trigger: TrainingTrigger) -> dict[str, Any]:
    async def first() -> Any:
        return [event.payload async for event in trigger.run()]

    (event,) = asyncio.run(first())
    return dict(event)


def test_a_job_is_run_in_another_process_followed_and_its_digests_returned(
    python: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    job, task = make_job(tmp_path / "job"), None
    task = operator(job)
    event = event_of(trigger_of(task, lambda: task.execute({})))
    assert event == {"state": "finished", "message": ""}
    assert task.finish({}, event) == {"job": str(job), **DONE}
    assert "step 3 of 3 (100 %): loss 0.3333, 200 tokens/s, about 0 s left" in caplog.messages
    assert operator(job).execute({}) == {"job": str(job), **DONE}
    assert starts(job) == 1, "a finished job is not trained again"


def test_without_deferral_the_task_follows_it_itself(python: str, tmp_path: Path) -> None:
    job = make_job(tmp_path / "job")
    assert operator(job, deferrable=False).execute({}) == {"job": str(job), **DONE}


def test_a_strategy_without_a_job_trains_nothing(python: str) -> None:
    task = TrainOperator(task_id="train_model", job=None)
    assert task.execute({}) == {"job": None, "gguf_sha256": None, "adapter_sha256": None}


def test_a_trainer_outlives_the_worker_that_started_it_and_is_taken_up(python: str, tmp_path: Path) -> None:
    """The worker is a process that is killed as soon as it has started the trainer."""
    job = make_job(tmp_path / "job", steps=60, seconds=0.02)
    program = (
        "import os, sys, pathlib, ljwx.cli; from ljwx.core.training.job import TrainingSettings;"
        "from ljwx.launchers.following import begin;"
        "begin(pathlib.Path(sys.argv[1]), TrainingSettings(python=sys.argv[2])); os.kill(os.getpid(), 9)"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(job), python], check=False, capture_output=True)
    assert ended.returncode == -9, ended.stderr
    wait(lambda: steps_of(job) > 2)
    task = operator(job)
    event = event_of(trigger_of(task, lambda: task.execute({})))
    assert task.finish({}, event) == {"job": str(job), **DONE}
    assert starts(job) == 1


def test_a_killed_trainer_is_started_again_as_long_as_it_comes_further(python: str, tmp_path: Path) -> None:
    job = make_job(tmp_path / "job", steps=4, dies_at=2)
    task = operator(job)
    event = event_of(trigger_of(task, lambda: task.execute({})))
    assert event["state"] == "gone"
    event = event_of(trigger_of(task, lambda: task.finish({}, event)))
    assert task.finish({}, event) == {"job": str(job), **DONE}
    assert (starts(job), steps_of(job)) == (2, 4)


def test_a_trainer_that_always_dies_is_given_up_with_its_last_words(
    python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, python=python, restarts=2)
    job = make_job(tmp_path / "job", silent_death=True)
    with pytest.raises(TrainingFailed, match=r"ended 3 times without coming further than step 0.*Segmentation fault"):
        operator(job, deferrable=False).execute({})
    assert starts(job) == 3


def test_a_cleared_task_tries_as_often_again(python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, python=python, restarts=1)
    job = make_job(tmp_path / "job", silent_death=True)
    for count in (2, 4):
        with pytest.raises(TrainingFailed, match="2 times"):
            operator(job, deferrable=False).execute({})
        assert starts(job) == count


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ({"error": "no_space", "code": 51, "message": "no space is left"}, "no_space: no space is left; free space"),
        ({"error": "one_class_split", "code": 32, "message": "all are up"}, "one_class_split: all are up; wait for"),
        ({"error": "new_kind", "code": 99, "message": "said so"}, "new_kind: said so$"),
    ],
)
def test_what_the_trainer_says_is_one_line_with_its_cure(
    error: dict[str, Any], words: str, python: str, tmp_path: Path
) -> None:
    job = make_job(tmp_path / "job", error=error)
    with pytest.raises(TrainingFailed, match=words):
        operator(job, deferrable=False).execute({})
    assert starts(job) == 1


def test_a_python_without_the_trainer_is_named_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, python=sys.executable, environment={"PYTHONPATH": "/nowhere"})
    job = make_job(tmp_path / "job")
    with pytest.raises(TrainingFailed, match=r"No module named ljwx_training; install training/"):
        operator(job, deferrable=False).execute({})


@pytest.mark.parametrize(("python_", "words"), [(None, "names no Python"), ("/no/python", "no program /no/python")])
def test_a_python_that_is_not_there_is_refused_before_anything_starts(
    python_: str | None, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, python=python_)
    with pytest.raises(ConfigurationError, match=words):
        operator(make_job(tmp_path / "job")).execute({})


def test_a_folder_without_a_job_and_one_in_a_bucket_are_refused(python: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no job\.json"):
        operator(tmp_path).execute({})
    with pytest.raises(ConfigurationError, match="a folder on a disk, not at s3://"):
        TrainOperator(task_id="train_model", job="s3://bucket/job").execute({})


def test_metrics_that_stop_coming_end_the_trainer_and_fail_the_task(
    python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, python=python, silent_minutes=0.01)
    job = make_job(tmp_path / "job", hangs_at=2)
    with pytest.raises(TrainingFailed, match=r"no sign of life for 0.01 minutes after step 2: the trainer was ended"):
        operator(job, deferrable=False).execute({})
    with pytest.raises(psutil.NoSuchProcess):
        process_of(job)


def test_a_task_that_is_failed_or_cleared_while_deferred_ends_the_trainer_with_its_children(
    python: str, tmp_path: Path
) -> None:
    job = make_job(tmp_path / "job", steps=10_000, child=True)
    task = operator(job)
    trigger = trigger_of(task, lambda: task.execute({}))
    wait(lambda: steps_of(job) > 0)
    family = [process_of(job), *process_of(job).children(recursive=True)]
    assert len(family) > 1
    asyncio.run(trigger.on_kill())
    assert psutil.wait_procs(family, timeout=60)[1] == []
    assert event_of(trigger)["state"] in {"gone", "failed"}


def test_a_triggerer_that_stops_leaves_the_trainer_alone(python: str, tmp_path: Path) -> None:
    job = make_job(tmp_path / "job", steps=10_000)
    task = operator(job)
    trigger = trigger_of(task, lambda: task.execute({}))

    async def cancelled() -> None:
        following = asyncio.ensure_future(anext(trigger.run()))
        await asyncio.sleep(0.1)
        following.cancel()
        with pytest.raises(asyncio.CancelledError):
            await following

    asyncio.run(cancelled())
    assert process_of(job).is_running()


def test_a_killed_task_that_follows_by_itself_ends_the_trainer(python: str, tmp_path: Path) -> None:
    job = make_job(tmp_path / "job", steps=10_000)
    begin(job, TrainingSettings(python=python))
    process = process_of(job)
    operator(job, deferrable=False).on_kill()
    assert psutil.wait_procs([process], timeout=60)[1] == []


def test_two_tasks_that_start_one_job_at_once_share_one_trainer(python: str, tmp_path: Path) -> None:
    job = make_job(tmp_path / "job", steps=200)
    settings, found = TrainingSettings(python=python), []
    threads = [threading.Thread(target=lambda: found.append(begin(job, settings))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({started for started, _ in found}) == 1
    assert sorted(new for _, new in found) == [False, False, False, True]


def test_a_trainer_that_a_person_started_is_taken_up(python: str, tmp_path: Path) -> None:
    job = make_job(tmp_path / "job", steps=50, seconds=0.02)
    with subprocess.Popen([python, str(job)]):
        wait(lambda: steps_of(job) > 0)
        assert operator(job, deferrable=False).execute({}) == {"job": str(job), **DONE}
    assert starts(job) == 1


def test_a_trainer_on_another_machine_is_known_by_its_lock_and_stops_after_its_step(
    python: str, tmp_path: Path
) -> None:
    job = make_job(tmp_path / "job", steps=10_000)
    begin(job, TrainingSettings(python=python))
    wait(lambda: steps_of(job) > 0)
    process, told = process_of(job), json.loads((job / "started.json").read_text())
    (job / "started.json").write_text(json.dumps(told | {"place": "elsewhere"}))
    assert begin(job, TrainingSettings(python=python))[1] is False
    operator(job).on_kill()
    assert psutil.wait_procs([process], timeout=60)[1] == []
    assert json.loads((job / "error.json").read_text())["error"] == "stopped"
    begin(job, TrainingSettings(python=python))
    wait(lambda: starts(job) == 2)
    (job / "started.json").write_text(json.dumps(told | {"name": process_of(job).pid}))


def test_a_young_trainer_on_another_machine_counts_as_running_until_it_says_why_not(
    python: str, tmp_path: Path
) -> None:
    """It holds its lock only once its libraries are loaded, which takes a while."""
    job, settings = make_job(tmp_path / "job"), TrainingSettings(python=python)
    elsewhere = Started("process", "elsewhere", "1", "1.0")
    remember(job, elsewhere)
    launcher = ProcessLauncher(settings)
    assert launcher.is_running(job, elsewhere)
    (job / "error.json").write_text('{"error": "bad_job", "message": "no"}')
    assert not launcher.is_running(job, elsewhere)
    (job / "error.json").unlink()
    os.utime(job / "started.json", (1, 1))
    assert not launcher.is_running(job, elsewhere)


def test_the_trainer_gets_no_secret_of_airflow(python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, python=python, environment={"CUDA_VISIBLE_DEVICES": "0"})
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", "tushare://:hunter2@host")
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql://u:hunter2@host/db")
    job = make_job(tmp_path / "job")
    operator(job, deferrable=False).execute({})
    given = json.loads((job / "environment.json").read_text())
    assert not [name for name in given if name.startswith(("AIRFLOW", "LJWX_", "PYTHONPATH"))]
    assert "hunter2" not in json.dumps(given)
    assert (given["CUDA_VISIBLE_DEVICES"], given["PATH"]) == ("0", os.environ["PATH"])
