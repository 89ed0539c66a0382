"""The same job folders run in pods, on a stand-in of the Kubernetes API that runs a pod's command as a process."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ljwx.core.training.job import TrainingSettings
from ljwx.exceptions import ConfigurationError, LauncherUnreachable, TrainingFailed
from ljwx.launchers import following
from ljwx.launchers.following import Follower, begin
from ljwx.launchers.interface import ENVIRONMENT
from ljwx.operators.training import TrainOperator
from ljwx.triggers.training import TrainingTrigger
from support_kubernetes import Cluster, running_cluster
from support_lazy import Lazy
from support_trainer import fake_python, make_job, starts, steps_of, wait

pods = Lazy("ljwx.launchers.pod")
DONE = {"gguf_sha256": "a" * 64, "adapter_sha256": "b" * 64}


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    with running_cluster(fake_python(tmp_path)) as (cluster, connection):
        monkeypatch.setenv("AIRFLOW_CONN_KUBERNETES_DEFAULT", connection)
        configure(monkeypatch, tmp_path)
        yield cluster


def settings(mount: Path, **training: Any) -> TrainingSettings:
    pod = {"mount": str(mount), **training.pop("pod", {})}
    return TrainingSettings.model_validate({"launcher": "pod", "pod": pod, **training})


def configure(monkeypatch: pytest.MonkeyPatch, mount: Path, **training: Any) -> None:
    chosen = settings(mount, **training).model_dump(mode="json")
    monkeypatch.setenv("AIRFLOW_VAR_LJWX_TRAINING_CONFIG", json.dumps({"training": chosen}))


def run(job: Path) -> dict[str, Any]:
    return TrainOperator(task_id="train", job=str(job), deferrable=False, poll_seconds=0.02).execute({})


def test_a_pod_runs_the_job_and_is_removed_when_it_has_ended(cluster: Cluster, tmp_path: Path) -> None:
    job = make_job(tmp_path / "0a1b2c3d4e5f")
    assert run(job) == {"job": str(job), **DONE}
    assert cluster.pods == {}
    assert (len(cluster.created), starts(job)) == (1, 1)


def test_the_pod_asks_for_what_the_settings_say_and_holds_no_secret(cluster: Cluster, tmp_path: Path) -> None:
    pod = {
        "image": "trainer:1", "claim": "stocks", "gpus": 2, "cpu": "8", "memory": "64Gi", "service_account": "trainer",
        "node_selector": {"gpu": "h100"},
    }  # fmt: skip
    job = make_job(tmp_path / "0a1b2c3d4e5f", steps=1000)
    begin(job, settings(tmp_path, nproc=2, shard=True, environment={"NCCL_DEBUG": "INFO"}, pod=pod))
    (made,) = cluster.created
    container = made["spec"]["containers"][0]
    assert made["metadata"]["name"] == "ljwx-training-0a1b2c3d4e5f"
    assert made["metadata"]["labels"] == {"app": "ljwx-training", "ljwx-job": "0a1b2c3d4e5f"}
    assert container["command"] == [
        "python", "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
        "-m", "ljwx_training", "run", "--shard", str(job),
    ]  # fmt: skip
    assert container["resources"] == {
        "requests": {"cpu": "8", "memory": "64Gi", "nvidia.com/gpu": "2"},
        "limits": {"memory": "64Gi", "nvidia.com/gpu": "2"},
    }
    assert {each["name"]: each["value"] for each in container["env"]} == ENVIRONMENT | {"NCCL_DEBUG": "INFO"}
    assert container["volumeMounts"][0] == {"name": "data", "mountPath": str(tmp_path)}
    spec = made["spec"]
    assert spec["volumes"][0] == {"name": "data", "persistentVolumeClaim": {"claimName": "stocks"}}
    assert (spec["restartPolicy"], spec["nodeSelector"]) == ("Never", {"gpu": "h100"})
    assert (spec["serviceAccountName"], spec["automountServiceAccountToken"]) == ("trainer", False)


def test_a_pod_that_nobody_recorded_is_found_by_its_labels(cluster: Cluster, tmp_path: Path) -> None:
    """The worker died between the creation of the pod and its record."""
    job = make_job(tmp_path / "job", steps=50)
    begin(job, settings(tmp_path))
    (job / "started.json").unlink()
    assert run(job) == {"job": str(job), **DONE}
    assert len(cluster.created) == 1


def test_a_pod_that_was_deleted_by_others_is_made_again_and_goes_on(cluster: Cluster, tmp_path: Path) -> None:
    job = make_job(tmp_path / "job", steps=40, seconds=0.02)
    begin(job, settings(tmp_path))
    wait(lambda: steps_of(job) > 1)
    cluster.delete("ljwx-training-job", {})
    done = steps_of(job)
    follower = Follower(job, settings(tmp_path), 60)
    assert (follower.poll()[1] or pytest.fail("it goes on")).state == "gone"
    begin(job, settings(tmp_path), again=True)
    assert run(job) == {"job": str(job), **DONE}
    assert (len(cluster.created), steps_of(job)) == (2, 40)
    assert done < 40


def test_a_finished_pod_whose_end_nobody_saw_is_no_loss(cluster: Cluster, tmp_path: Path) -> None:
    job = make_job(tmp_path / "job")
    begin(job, settings(tmp_path))
    cluster.processes["ljwx-training-job"].wait()
    cluster.delete("ljwx-training-job", {})
    assert run(job) == {"job": str(job), **DONE}
    assert len(cluster.created) == 1


def test_what_kubernetes_says_of_a_killed_pod_is_told(cluster: Cluster, tmp_path: Path) -> None:
    job = make_job(tmp_path / "job", dies_at=2)
    begin(job, settings(tmp_path))
    follower, outcome = Follower(job, settings(tmp_path), 60), None
    while outcome is None:
        _, outcome = follower.poll()
    assert (outcome.state, outcome.message) == ("gone", "its last line: OOMKilled, exit code 137")


def test_a_pod_that_cannot_start_is_told_with_its_reason(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, tmp_path, silent_minutes=0.005)
    cluster.waiting = ("ImagePullBackOff", "no such image trainer:1")
    with pytest.raises(TrainingFailed, match=r"no sign of life .*ImagePullBackOff: no such image trainer:1"):
        run(make_job(tmp_path / "job"))
    assert cluster.pods == {}


def test_a_cancelled_task_deletes_its_pod(cluster: Cluster, tmp_path: Path) -> None:
    job, chosen = make_job(tmp_path / "job", steps=10_000), settings(tmp_path)
    begin(job, chosen)
    asyncio.run(TrainingTrigger(str(job), chosen.model_dump(mode="json")).on_kill())
    assert cluster.pods == {}


def test_another_pod_of_the_same_name_is_left_alone(cluster: Cluster, tmp_path: Path) -> None:
    job, chosen = make_job(tmp_path / "job", steps=10_000), settings(tmp_path)
    started, _ = begin(job, chosen)
    cluster.pods[started.name]["metadata"]["uid"] = "another"
    pods.PodLauncher(chosen).clean(job, started)
    assert list(cluster.pods) == [started.name]
    assert not pods.PodLauncher(chosen).is_running(job, started)


def test_finished_pods_that_nobody_waits_for_are_removed(cluster: Cluster, tmp_path: Path) -> None:
    for name, created in (("old", "2026-01-01T00:00:00Z"), ("new", None)):
        begin(make_job(tmp_path / name), settings(tmp_path))
        cluster.processes[f"ljwx-training-{name}"].wait()
        if created:
            cluster.pods[f"ljwx-training-{name}"]["metadata"]["creationTimestamp"] = created
    begin(make_job(tmp_path / "next"), settings(tmp_path))
    assert sorted(cluster.pods) == ["ljwx-training-new", "ljwx-training-next"]


@pytest.mark.parametrize(("status", "error"), [(503, LauncherUnreachable), (403, ConfigurationError)])
def test_what_the_api_answers_decides_whether_to_try_again(
    status: int, error: type[Exception], cluster: Cluster, tmp_path: Path
) -> None:
    cluster.refuse = status
    with pytest.raises(error, match=str(status)):
        run(make_job(tmp_path / "job"))


def test_while_kubernetes_gives_no_answer_a_training_counts_as_going_on(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(tmp_path / "job", steps=10_000)
    begin(job, settings(tmp_path))
    follower = Follower(job, settings(tmp_path), 60)
    cluster.refuse = 503
    assert follower.poll()[1] is None
    monkeypatch.setattr(following, "BLIND_SECONDS", -1.0)
    with pytest.raises(LauncherUnreachable):
        follower.poll()


def test_a_folder_that_the_pod_would_not_see_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="would not see it"):
        begin(make_job(tmp_path / "job"), settings(tmp_path / "elsewhere"))


def test_without_the_provider_the_extra_is_named(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ljwx.launchers.pod", None)
    with pytest.raises(ConfigurationError, match=r"ljwx-stock\[kubernetes\]"):
        begin(make_job(tmp_path / "job"), settings(tmp_path))


@pytest.mark.parametrize(("name", "shown"), [("0a1b", "0a1b"), ("A_b.c", "a-b-c"), ("-x-", "x")])
def test_labels_hold_what_kubernetes_takes(name: str, shown: str) -> None:
    assert pods.label(Path("/data/training") / name) == shown
