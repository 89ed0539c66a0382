"""job.json: what is to be trained, with the digest of every file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ljwx_training.errors import BadJob
from ljwx_training.recipe import Hyperparameters, Objective, Recipe

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class File(BaseModel):
    """A file, by path (relative to the job's folder) or URL, and its digest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    sha256: Sha256


class Message(BaseModel):
    """One turn of a prompt."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Literal["system", "user", "assistant"]
    content: str


class ServedPrompt(BaseModel):
    """A prompt, and the token ids that the server makes of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    messages: tuple[Message, ...] = Field(min_length=1)
    ids: tuple[int, ...] = Field(min_length=1)


class Job(BaseModel):
    """One training.

    ``base`` is the GGUF that is served; ``train`` and ``validation`` are chat JSONL (a line: ``messages``, and where
    wanted ``weight`` and ``target``, the probability of each class). ``output`` is the form of the merged tensors.
    ``template`` replaces the base's chat template. ``start`` is an adapter (safetensors) that training goes on with.
    ``prompts`` are some that the server was asked about: nothing is trained that it would read otherwise. ``proof`` is
    the number of prompts by which the written file is compared with the trained model. ``publish`` is a URL to which
    the finished files are copied. ``hub`` lets
    libraries reach the Hugging Face hub.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    base: File
    train: tuple[File, ...] = Field(min_length=1)
    validation: tuple[File, ...] = Field(min_length=1)
    hyperparameters: Hyperparameters = Hyperparameters()
    objective: Objective = Objective()
    seed: int = 0
    output: Literal["F16", "BF16", "Q8_0", "all_F16"] = "F16"
    template: str | None = None
    start: File | None = None
    prompts: tuple[ServedPrompt, ...] = ()
    proof: int = Field(20, ge=1)
    publish: str | None = None
    hub: bool = False

    @property
    def recipe(self) -> Recipe:
        """What of it decides the weights."""
        return Recipe(
            base_sha256=self.base.sha256,
            train_sha256=tuple(file.sha256 for file in self.train),
            validation_sha256=tuple(file.sha256 for file in self.validation),
            hyperparameters=self.hyperparameters,
            objective=self.objective,
            seed=self.seed,
            output=self.output,
            template_sha256=hashlib.sha256(self.template.encode()).hexdigest() if self.template else None,
            start_sha256=self.start.sha256 if self.start else None,
        )


def read_job(folder: Path) -> Job:
    """Return the job of a folder.

    :raises BadJob: job.json is not there or not valid; the message names the first wrong field.
    """
    path = folder / "job.json"
    try:
        return Job.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BadJob(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise BadJob(f"{path}: {'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}") from error
