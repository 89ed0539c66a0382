"""A training as its job folder tells it: how far it is, how it ended, and what cures each way to fail.

Pure: imports no airflow, HTTP or SQL. The files are written by the trainer, ``training/`` of the repository.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

LATEST_STEPS = 10
"""Steps over which the speed is averaged."""

CURES: Final[Mapping[str, str]] = {
    "bad_job": "the trainer is of another version than this package: install training/ of the same version",
    "not_installed": "install training/ in the Python that training.python or the pod's image names",
    "missing_file": "put the file back, or clear the task that prepares the training",
    "wrong_digest": "clear the task that prepares the training",
    "damaged_base": "fetch the base anew: its GGUF file is not whole",
    "unknown_architecture": "choose a base of an architecture that can be trained, or the strategy fewshot",
    "unknown_tokenizer": "choose another base, or the strategy fewshot",
    "bad_template": "name a chat template in model.lora.template",
    "other_prompts": "name the server's chat template, in Jinja, in model.lora.template, or take another base",
    "other_adapter": "set model.lora.start to base",
    "bad_rows": "build the dataset anew",
    "empty_split": "wait for more sessions, or make the splits larger",
    "one_class_split": "wait for more sessions: one class alone teaches nothing",
    "too_long": "choose a base with a longer context, or fewer feature groups",
    "other_recipe": "remove the job's folder, and clear the task that prepares the training",
    "damaged_checkpoint": "remove the job's folder checkpoints, and clear this task: it starts over",
    "out_of_memory": "use a smaller base, 4 bits, or a machine with more memory",
    "no_space": "free space, and clear this task: it goes on from the last whole checkpoint",
    "not_a_number": "lower the learning rate",
    "export_differs": "train in a finer form (F16), and clear this task",
    "nothing_trained": "raise the learning rate or the number of steps",
    "stopped": "clear this task: it goes on from the last checkpoint",
}
"""What to do about each name in error.json."""


class PodSettings(BaseModel):
    """A training in a Kubernetes pod: the same job folder, on storage that workers and pod both see.

    :param image: with ljwx-training installed.
    :param namespace: of the pod; null: the one that the connection names.
    :param claim: persistent volume claim that holds the data folder.
    :param mount: where the pod sees the claim: the same path as workers see.
    :param gpus: of NVIDIA's kind, for each pod.
    :param cpu: asked for, such as ``8``.
    :param memory: asked for and not to be passed, such as ``64Gi``.
    :param node_selector: labels that the node must have.
    :param service_account: the pod runs as; null: the namespace's default.
    :param connection: Airflow connection of type `kubernetes`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: str = "ljwx-training:latest"
    namespace: str | None = None
    claim: str = "ljwx-data"
    mount: str = "/opt/airflow/ljwx-data"
    gpus: int = Field(default=0, ge=0)
    cpu: str | None = None
    memory: str | None = None
    node_selector: dict[str, str] = {}
    service_account: str | None = None
    connection: str = "kubernetes_default"


class TrainingSettings(BaseModel):
    """Where a training runs, and how long it may be silent.

    :param launcher: `process` starts another Python on the worker's machine, `pod` a Kubernetes pod.
    :param python: the Python of `process`, with ljwx-training installed; Airflow's own has no torch.
    :param nproc: processes of one training, by torchrun; 1: none is started by it.
    :param shard: they hold a part of the base each, instead of the whole.
    :param environment: variables of the trainer, such as CUDA_VISIBLE_DEVICES; no secrets: they are logged nowhere,
        but settings are no place for them.
    :param silent_minutes: without a sign of life the trainer is ended and the task fails.
    :param restarts: how often a trainer that vanished is started again without having come further meanwhile.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    launcher: Literal["process", "pod"] = "process"
    python: str | None = None
    nproc: int = Field(default=1, ge=1, le=64)
    shard: bool = False
    environment: dict[str, str] = {}
    silent_minutes: float = Field(default=30, gt=0)
    restarts: int = Field(default=3, ge=0)
    pod: PodSettings = PodSettings()

    @model_validator(mode="after")
    def _several_share(self) -> TrainingSettings:
        if self.shard and self.nproc == 1:
            raise ValueError("shard: one process has nobody to share the base with: set nproc")
        return self


@dataclass(frozen=True)
class Started:
    """A trainer that was started, as it can be found again.

    :param launcher: that started it.
    :param place: machine and space of process numbers, or connection and namespace.
    :param name: number of the process, or name of the pod.
    :param mark: tells it from another of that name: the process's time of creation, or the pod's uid.
    :param attempt: starts since it last came further.
    :param from_step: the furthest step before this start.
    """

    launcher: str
    place: str
    name: str
    mark: str
    attempt: int = 1
    from_step: int = 0


@dataclass(frozen=True)
class Outcome:
    """How following a trainer ended.

    ``finished``: its result is there. ``failed``: it says why it cannot go on. ``gone``: it is not there any more and
    said nothing. ``silent``: it is there and shows no sign of life.
    """

    state: Literal["finished", "failed", "gone", "silent"]
    message: str = ""


@dataclass(frozen=True)
class Line:
    """One line of metrics.jsonl.

    :param kind: ``step``, ``validation`` or ``out_of_memory``.
    :param of: how many steps there will be.
    """

    kind: str
    step: int
    of: int | None = None
    loss: float | None = None
    tokens_per_s: float | None = None
    seconds: float = 0.0
    answer_loss: float | None = None
    class_log_score: float | None = None
    micro_batch: int | None = None


def read_lines(text: str) -> list[Line]:
    """Read metrics.jsonl; a line that is still being written, or is none, is left out."""
    whole = text[: text.rfind("\n") + 1].splitlines()
    return [line for line in map(_line, whole) if line is not None]


def _line(text: str) -> Line | None:
    try:
        found = json.loads(text)
        return Line(**{name: found[name] for name in Line.__dataclass_fields__ if name in found})
    except (ValueError, TypeError):
        return None


def furthest_step(lines: Iterable[Line]) -> int:
    """Return the last step that was made; 0 before the first."""
    return max((line.step for line in lines if line.kind == "step"), default=0)


def progress_text(lines: list[Line]) -> str:
    """Tell the newest line for people: percent, loss, speed and time left, or a look at unseen samples.

    >>> progress_text([Line("step", 5, 20, 0.5, 300.0, 6.0)])
    'step 5 of 20 (25 %): loss 0.5000, 300 tokens/s, about 2 min left'
    """
    last = lines[-1]
    if last.kind == "validation":
        score = "" if last.class_log_score is None else f", class log score {last.class_log_score:.3f}"
        return f"validation after step {last.step}: answer loss {last.answer_loss or 0:.4f}{score}"
    if last.kind == "out_of_memory":
        return f"out of memory after step {last.step}: going on with {last.micro_batch} samples at once"
    share = f" of {last.of} ({100 * last.step // last.of} %)" if last.of else ""
    loss = "" if last.loss is None else f": loss {last.loss:.4f}"
    speed = "" if last.tokens_per_s is None else f", {last.tokens_per_s:.0f} tokens/s"
    return f"step {last.step}{share}{loss}{speed}{_left(lines)}"


def _left(lines: list[Line]) -> str:
    steps = [line for line in lines if line.kind == "step"]
    latest = steps[-LATEST_STEPS:]
    if not latest[-1].of:
        return ""
    seconds = (latest[-1].of - latest[-1].step) * sum(line.seconds for line in latest) / len(latest)
    looks = [line.step for line in lines if line.kind == "validation"]
    if len(looks) > 1 and looks[-1] > looks[-2]:
        to_come = (latest[-1].of - latest[-1].step) // (looks[-1] - looks[-2])
        seconds += to_come * next(line.seconds for line in reversed(lines) if line.kind == "validation")
    return f", about {_span(seconds)} left"


def _span(seconds: float) -> str:
    """Say a span of time in its largest unit.

    >>> _span(40), _span(90), _span(7300)
    ('40 s', '2 min', '2 h 2 min')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def cured(error: Mapping[str, Any]) -> str:
    """Say what error.json says in one line, with its cure."""
    name, message = str(error.get("error", "failed")), str(error.get("message", ""))
    cure = CURES.get(name)
    return f"{name}: {message}{f'; {cure}' if cure else ''}"
