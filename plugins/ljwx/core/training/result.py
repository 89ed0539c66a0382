"""What a trainer leaves in a job's folder, as types. Pure: no airflow, HTTP or SQL."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from ljwx.exceptions import ConfigurationError

JOB: Final = "job.json"
MERGED: Final = "merged.gguf"
RESULT: Final = "result.json"
PROOF: Final = "proof.json"
METRICS: Final = "metrics.jsonl"


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Written(_Read):
    """A file of the result: its name in the job's folder, and its digest."""

    path: str
    size: int
    sha256: str


class Result(_Read):
    """What ``result.json`` says; the rest of it is kept as it is in ``document``."""

    version: str
    merged: Written
    adapter: Written
    seconds: float
    finished_at: dt.datetime
    document: Mapping[str, Any]

    @property
    def started_at(self) -> dt.datetime:
        """When the process that finished it began."""
        return self.finished_at - dt.timedelta(seconds=self.seconds)


class Fork(_Read):
    """A place of an answer at which classes part.

    :param before: text of the answer up to it.
    :param ways: of each token that can come next, by its text, the classes it leads to.
    """

    before: str
    ways: Mapping[str, tuple[str, ...]]


class Prompt(_Read):
    """A prompt of the proof, and what the trainer's models make of it.

    :param messages: system prompt and question.
    :param text: as it is rendered, and ``ids`` its tokens.
    :param mass: probability of the trained model's next token, where classes first part, to be one of theirs.
    :param trained: probability of each class after training, and ``base`` before.
    """

    messages: tuple[Mapping[str, str], ...]
    text: str
    ids: tuple[int, ...]
    forks: tuple[Fork, ...]
    mass: float = 1.0
    trained: Mapping[str, float]
    base: Mapping[str, float]


class Proof(_Read):
    """What ``proof.json`` says."""

    prompts: tuple[Prompt, ...]


def read_result(text: str, where: str) -> Result:
    """Read ``result.json``.

    :raises ConfigurationError: it is not what a trainer of this version writes.
    """
    try:
        document = _object(text)
        return Result.model_validate(document | {"document": document})
    except (ValidationError, ValueError) as error:
        raise ConfigurationError(f"{where} is no result of a training: {_first(error)}") from error


def read_proof(text: str, where: str) -> Proof:
    """Read ``proof.json``.

    :raises ConfigurationError: it is not what a trainer of this version writes.
    """
    try:
        return Proof.model_validate_json(text)
    except ValidationError as error:
        raise ConfigurationError(f"{where} is no proof of a training: {_first(error)}") from error


def _object(text: str) -> dict[str, Any]:
    document = json.loads(text)
    if not isinstance(document, dict):
        raise ValueError("no object")  # noqa: TRY004 - read_result takes it for what a file may hold
    return document


def _first(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    wrong = error.errors()[0]
    return f"{'.'.join(map(str, wrong['loc'])) or 'the file'}: {wrong['msg']}"
