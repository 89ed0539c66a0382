"""How a model is made. Pure: imports no airflow, HTTP or SQL, so that a spec hashes the same wherever it is read."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ljwx.core.model_names import normalised_name
from ljwx.core.training.recipe import TrainingRecipe

ParameterValue = bool | int | float | str | list[str]

_HEX64 = re.compile(r"[0-9a-f]{64}\Z")
_HASH_SHOWN = 12
_LONGEST_PART = 74
"""Characters of a repository's name: with what is put behind it a server takes no more than 80."""


def token_count_model(repository: str) -> str:
    """Return the tag that tokens are counted with while a build is planned; it is outside the repository.

    >>> token_count_model("ljwx-stock")
    'ljwx-stock-token-count:latest'
    """
    return f"{repository}-token-count:latest"


def draft_tag(model: str) -> str:
    """Return the tag that a model is built under before it gets its own; it is outside the repository.

    >>> draft_tag("ljwx-stock:20261126-0123456789ab"), draft_tag("host:5000/us/ljwx-stock")
    ('ljwx-stock-draft:20261126-0123456789ab', 'host:5000/us/ljwx-stock-draft')
    """
    owner, slash, name = model.rpartition("/")
    repository, colon, tag = name.partition(":")
    return f"{owner}{slash}{repository[:_LONGEST_PART]}-draft{colon}{tag}"


class Message(BaseModel):
    """One turn of a conversation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Literal["system", "user", "assistant"]
    content: str


class BuildSpec(BaseModel):
    """Everything that decides what a model is, and nothing else.

    :param base: name of the model it is made from.
    :param base_digest: 64 hex digits of that model when the spec was made; another digest is another base.
    :param strategy: name of the strategy that made the spec.
    :param system: system prompt.
    :param parameters: Ollama's parameters, such as temperature, num_ctx and seed.
    :param messages: examples that every conversation begins with.
    :param examples: sample_ids of the messages, in their order; empty where they are of no sample.
    :param template: chat template; None keeps the base's.
    :param gguf_sha256: 64 hex digits of the weights' file when it is not the base's.
    :param training: how the weights are made; they are an outcome then, and gguf_sha256 is no part of the hash.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: str = Field(min_length=1)
    base_digest: str
    strategy: str = Field(min_length=1)
    system: str
    parameters: dict[str, ParameterValue] = Field(default_factory=dict)
    messages: tuple[Message, ...] = ()
    examples: tuple[str, ...] = ()
    template: str | None = None
    gguf_sha256: str | None = None
    training: TrainingRecipe | None = Field(default=None, exclude_if=lambda value: value is None)

    @field_validator("base_digest", "gguf_sha256")
    @classmethod
    def _is_sha256(cls, value: str | None) -> str | None:
        if value is None or _HEX64.match(value.removeprefix("sha256:")):
            return value.removeprefix("sha256:") if value else value
        raise ValueError("expected 64 lower-case hex digits")

    @model_validator(mode="after")
    def _examples_are_in_messages(self) -> BuildSpec:
        if self.examples and len(self.messages) != 2 * len(self.examples):
            raise ValueError("each of the examples is a question and an answer in messages")
        return self

    @property
    def canonical_json(self) -> str:
        """The one text of this spec: keys sorted, whole numbers without a fraction, no spaces."""
        outcome = {"gguf_sha256"} if self.training else None
        content = _canonical(self.model_dump(mode="json", exclude=outcome))
        return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)

    @property
    def sha256(self) -> str:
        """64 hex digits; equal for equal specs, whatever the order their keys were given in."""
        return hashlib.sha256(self.canonical_json.encode()).hexdigest()

    def with_weights(self, gguf_sha256: str) -> BuildSpec:
        """Return the spec with the weights that came out of its training; it has the same hash."""
        return self.model_copy(update={"gguf_sha256": gguf_sha256})

    def model_name(self, date: dt.date, repository: str = "ljwx-stock") -> str:
        """Return ``<repository>:<yyyymmdd>-<first 12 digits of the hash>``."""
        return f"{repository}:{date:%Y%m%d}-{self.sha256[:_HASH_SHOWN]}"


def changes(old: BuildSpec, new: BuildSpec) -> list[str]:
    """Name what makes `new` another model than `old`; an empty list means that it is the same one."""
    is_other = normalised_name(old.base) != normalised_name(new.base)
    texts = [f"base {old.base!r} → {new.base!r}"] if is_other else []
    texts += [
        f"{field} {getattr(old, field)!r} → {getattr(new, field)!r}"
        for field in ("base_digest", "strategy", *([] if old.training and new.training else ["gguf_sha256"]))
        if getattr(old, field) != getattr(new, field)
    ]
    texts += [f"another {field}" for field in ("system", "template") if getattr(old, field) != getattr(new, field)]
    texts += _training_changes(old.training, new.training)
    names = sorted({*old.parameters, *new.parameters})
    texts += [
        f"{name} {old.parameters.get(name)!r} → {new.parameters.get(name)!r}"
        for name in names
        if old.parameters.get(name) != new.parameters.get(name)
    ]
    if old.messages != new.messages:
        kept = len(set(old.messages) & set(new.messages))
        texts.append(f"{len(new.messages) - kept} of {len(new.messages)} messages of examples are new")
    return texts


def _training_changes(old: TrainingRecipe | None, new: TrainingRecipe | None) -> list[str]:
    if old is None or new is None:
        return [] if old is new else [f"{'weights' if new else 'no weights'} of its own"]
    before, after = old.model_dump(), new.model_dump()
    return [f"training: another {field}" for field in after if before[field] != after[field]]


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _canonical(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
