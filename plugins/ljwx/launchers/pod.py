"""A training in a Kubernetes pod that mounts the data folder: one pod a job, found by its labels from any process."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubernetes import client
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from ljwx.core.training.job import Started, TrainingSettings
from ljwx.exceptions import ConfigurationError, LauncherUnreachable
from ljwx.launchers.folder import order_stop
from ljwx.launchers.interface import ENVIRONMENT, arguments_of

if TYPE_CHECKING:
    from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook

APP = "ljwx-training"
CONTAINER = "trainer"
ENDED = {"Succeeded", "Failed"}
GRACE_SECONDS = 30
REMOVAL_SECONDS = 120.0
ORPHAN_HOURS = 1
"""Age at which a finished pod of any job is removed: whoever followed it has seen its end, or never will."""


class PodLauncher:
    """Makes a pod of the settings `training.pod`; its name is the job's, so that there can be no second one."""

    def __init__(self, settings: TrainingSettings) -> None:
        self.settings = settings
        self.pod = settings.pod

    @cached_property
    def hook(self) -> KubernetesHook:
        """The provider's hook of the connection."""
        from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook

        return KubernetesHook(conn_id=self.pod.connection)

    @cached_property
    def namespace(self) -> str:
        """The namespace of the settings, else of the connection."""
        return self.pod.namespace or self.hook.get_namespace() or "default"

    def check(self, job: Path) -> None:
        """See that the job's folder is on the claim that the pod mounts."""
        if Path(self.pod.mount) not in job.parents:
            raise ConfigurationError(
                f"training.pod.mount: {job} is not below {self.pod.mount}, so that a pod would not see it"
            )

    def find(self, job: Path) -> Started | None:
        """Return the job's pod if it has not ended, whoever created it."""
        alive = [pod for pod in self._listed(f"app={APP},ljwx-job={label(job)}") if pod.status.phase not in ENDED]
        return self._started(alive[0]) if alive else None

    def start(self, job: Path) -> Started:
        """Create the pod; what an earlier one has left is removed first."""
        self._remove_ended(job)
        body, deadline = self.spec(job), time.monotonic() + REMOVAL_SECONDS
        while True:
            with self._asking():
                try:
                    return self._started(self.hook.core_v1_client.create_namespaced_pod(self.namespace, body))
                except ApiException as error:
                    if error.status != 409 or time.monotonic() > deadline:
                        raise
            time.sleep(1)  # the one before is still being removed

    def is_running(self, job: Path, started: Started) -> bool:  # noqa: ARG002 - the launchers' signature
        """Tell whether the very pod is there and has not ended."""
        pod = self._read(started)
        return pod is not None and pod.status.phase not in ENDED

    def stop(self, job: Path, started: Started) -> None:
        """Delete the pod; the trainer has some seconds to end."""
        order_stop(job)
        self.clean(job, started)

    def clean(self, job: Path, started: Started) -> None:  # noqa: ARG002 - the launchers' signature
        """Delete the pod, whether it has ended or not; another one of its name stays."""
        options = client.V1DeleteOptions(
            grace_period_seconds=GRACE_SECONDS, preconditions=client.V1Preconditions(uid=started.mark)
        )
        with self._asking():
            try:
                self.hook.core_v1_client.delete_namespaced_pod(started.name, self._place(started), body=options)
            except ApiException as error:
                if error.status not in {404, 409}:
                    raise

    def last_words(self, job: Path, started: Started) -> str:  # noqa: ARG002 - the launchers' signature
        """Return why it does not start or how it ended, else the last line that it printed."""
        pod = self._read(started)
        return "" if pod is None else (_reason(pod) or self._log(started))

    def spec(self, job: Path) -> client.V1Pod:
        """Return the pod that is asked for."""
        asked = {"cpu": self.pod.cpu, "memory": self.pod.memory}
        requests = {name: value for name, value in asked.items() if value}
        limits = {"memory": self.pod.memory} if self.pod.memory else {}
        gpus = {"nvidia.com/gpu": str(self.pod.gpus)} if self.pod.gpus else {}
        container = client.V1Container(
            name=CONTAINER,
            image=self.pod.image,
            command=self._command(job),
            working_dir=str(job),
            env=[client.V1EnvVar(name=name, value=value) for name, value in self._environment().items()],
            resources=client.V1ResourceRequirements(requests=requests | gpus, limits=limits | gpus),
            volume_mounts=[
                client.V1VolumeMount(name="data", mount_path=self.pod.mount),
                client.V1VolumeMount(name="shm", mount_path="/dev/shm"),  # noqa: S108 - where ranks of torch meet
            ],
        )
        return client.V1Pod(
            api_version="v1",
            kind="Pod",
            metadata=client.V1ObjectMeta(
                name=f"{APP}-{label(job)}", namespace=self.namespace, labels={"app": APP, "ljwx-job": label(job)}
            ),
            spec=client.V1PodSpec(
                containers=[container],
                restart_policy="Never",
                node_selector=self.pod.node_selector or None,
                service_account_name=self.pod.service_account,
                automount_service_account_token=False,
                volumes=[
                    client.V1Volume(
                        name="data",
                        persistent_volume_claim=client.V1PersistentVolumeClaimVolumeSource(claim_name=self.pod.claim),
                    ),
                    client.V1Volume(name="shm", empty_dir=client.V1EmptyDirVolumeSource(medium="Memory")),
                ],
            ),
        )

    def _command(self, job: Path) -> list[str]:
        return ["python", *arguments_of(self.settings, job)]

    def _environment(self) -> dict[str, str]:
        return {**ENVIRONMENT, **self.settings.environment}

    def _remove_ended(self, job: Path) -> None:
        before = datetime.now(timezone.utc) - timedelta(hours=ORPHAN_HOURS)
        for pod in self._listed(f"app={APP}"):
            own = pod.metadata.labels.get("ljwx-job") == label(job)
            if pod.status.phase in ENDED and (own or pod.metadata.creation_timestamp < before):
                self.clean(job, self._started(pod))

    def _listed(self, labels: str) -> list[Any]:
        with self._asking():
            return list(self.hook.core_v1_client.list_namespaced_pod(self.namespace, label_selector=labels).items)

    def _read(self, started: Started) -> Any | None:
        """Return the very pod; None where it is gone, or another one has its name."""
        with self._asking():
            try:
                pod = self.hook.core_v1_client.read_namespaced_pod(started.name, self._place(started))
            except ApiException as error:
                if error.status == 404:
                    return None
                raise
        return pod if pod.metadata.uid == started.mark else None

    def _log(self, started: Started) -> str:
        try:
            with self._asking():
                text = self.hook.core_v1_client.read_namespaced_pod_log(
                    started.name, self._place(started), container=CONTAINER, tail_lines=5
                )
        except (ConfigurationError, LauncherUnreachable):
            return ""
        return next((line.strip() for line in reversed(str(text).splitlines()) if line.strip()), "")

    def _started(self, pod: Any) -> Started:
        return Started("pod", self.namespace, pod.metadata.name, pod.metadata.uid)

    def _place(self, started: Started) -> str:
        return started.place or self.namespace

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Turn what the API answers into what a caller can decide on."""
        try:
            yield
        except ApiException as error:
            if error.status in {429, 500, 502, 503, 504}:
                raise LauncherUnreachable(f"Kubernetes answers {error.status} {error.reason}") from error
            raise ConfigurationError(f"training.pod: Kubernetes answers {error.status}: {_told(error)}") from error
        except (HTTPError, OSError) as error:
            raise LauncherUnreachable(f"Kubernetes gives no answer: {type(error).__name__}") from error


def label(job: Path) -> str:
    """Return a job's name as labels and names of pods can hold it.

    >>> label(Path("/data/training/0a1B_c"))
    '0a1b-c'
    """
    return re.sub(r"[^a-z0-9]+", "-", job.name.lower()).strip("-")[:40]


def _reason(pod: Any) -> str:
    """Return why a pod does not start, or how it ended badly; empty where nothing is wrong."""
    for status in pod.status.container_statuses or []:
        state = status.state
        if state.terminated and state.terminated.reason not in {None, "Completed", "Error"}:
            return f"{state.terminated.reason}, exit code {state.terminated.exit_code}"
        if state.waiting and state.waiting.reason not in {None, "ContainerCreating", "PodInitializing"}:
            return f"{state.waiting.reason}: {state.waiting.message or ''}".rstrip(": ")
    for condition in pod.status.conditions or []:
        if condition.type == "PodScheduled" and condition.status == "False":
            return f"{condition.reason}: {condition.message}"
    return str(pod.status.message or "") if pod.status.phase in ENDED else ""


def _told(error: ApiException) -> str:
    found = re.search(r'"message":\s*"((?:[^"\\]|\\.)*)"', str(error.body or ""))
    return found[1] if found else str(error.reason)
