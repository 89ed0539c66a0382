"""What Ollama is asked and answers, as types. Pure: no airflow, HTTP or SQL, so that the checks run anywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ljwx.core.models import Message

ROLES = ("system", "user", "assistant", "tool")
_INTEGERS = ("num_ctx", "num_predict", "num_keep", "num_batch", "num_gpu", "num_thread", "main_gpu")
_PARAMETERS: dict[str, str] = {
    **dict.fromkeys((*_INTEGERS, "seed", "top_k", "repeat_last_n"), "a whole number"),
    **dict.fromkeys(("temperature", "top_p", "min_p", "typical_p", "repeat_penalty"), "a number"),
    **dict.fromkeys(("presence_penalty", "frequency_penalty"), "a number"),
    "use_mmap": "true or false",
    "stop": "a text or a list of texts",
}
_WEIGHTS = re.compile(r"^FROM .*sha256[-:]([0-9a-f]{64})$", re.MULTILINE)


@dataclass(frozen=True)
class Progress:
    """One line of a build's or pull's progress; bytes are given while something is transferred."""

    status: str
    digest: str = ""
    completed: int | None = None
    total: int | None = None

    @property
    def percent(self) -> int | None:
        """Whole percents of the bytes, where the server tells them."""
        return self.completed * 100 // self.total if self.total and self.completed is not None else None


def progress_texts(progress: Iterable[Progress], step: int = 10) -> Iterator[str]:
    """Yield what is worth a line in a log: each new status, and every `step` percent of a transfer."""
    told: tuple[str, int] | None = None
    for line in progress:
        now = (line.status, (line.percent or 0) // step)
        if now != told:
            told = now
            yield f"{line.status}{'' if line.percent is None else f' {line.percent} %'}"


@dataclass(frozen=True)
class InstalledModel:
    """A model as the server lists it.

    :param digest: 64 hex digits, the identity of what the tag points at.
    :param size: bytes, shared blobs included.
    """

    name: str
    digest: str
    size: int
    modified_at: str
    parent: str
    parameter_size: str
    quantization: str


@dataclass(frozen=True)
class RunningModel:
    """A model in the server's memory.

    :param context_length: tokens of prompt and answer it was loaded for.
    """

    name: str
    digest: str
    size: int
    expires_at: str
    context_length: int


@dataclass(frozen=True)
class ModelDescription:
    """What a model is made of, read back from the server.

    :param parameters: by name; `stop` is always a list.
    :param weights: 64 hex digits of the GGUF it serves; empty when the server does not tell.
    """

    system: str
    template: str
    parameters: Mapping[str, Any]
    messages: tuple[tuple[str, str], ...]
    weights: str
    parent: str
    info: Mapping[str, Any]

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> ModelDescription:
        """Read the answer of `/api/show`."""
        weights = _WEIGHTS.search(answer.get("modelfile", ""))
        return cls(
            system=answer.get("system", ""),
            template=answer.get("template", ""),
            parameters=parse_parameters(answer.get("parameters", "")),
            messages=tuple((message["role"], message["content"]) for message in answer.get("messages") or ()),
            weights=weights.group(1) if weights else "",
            parent=answer.get("details", {}).get("parent_model", ""),
            info=answer.get("model_info") or {},
        )


@dataclass(frozen=True)
class TokenLogprob:
    """One token of an answer.

    :param alternatives: the likeliest tokens with their log-probabilities, as many as were asked for.
    """

    token: str
    logprob: float
    alternatives: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Answer:
    """A complete answer.

    :param done_reason: `stop`, `length`, `load` or `unload`.
    :param prompt_eval_count: tokens of the prompt as it was answered, cached ones included.
    :param eval_count: tokens of the answer.
    """

    model: str
    content: str
    done_reason: str
    prompt_eval_count: int
    eval_count: int
    total_seconds: float
    load_seconds: float
    prompt_eval_seconds: float
    eval_seconds: float
    logprobs: tuple[TokenLogprob, ...] = ()

    @classmethod
    def from_line(cls, line: Mapping[str, Any], content: str, logprobs: tuple[TokenLogprob, ...]) -> Answer:
        """Read the last line of an answer; `content` is the text of all of them."""
        seconds = {name: line.get(f"{name}_duration", 0) / 1e9 for name in ("total", "load", "prompt_eval", "eval")}
        return cls(
            model=line["model"], content=content, done_reason=line.get("done_reason", "stop"),
            prompt_eval_count=line.get("prompt_eval_count", 0), eval_count=line.get("eval_count", 0),
            total_seconds=seconds["total"], load_seconds=seconds["load"],
            prompt_eval_seconds=seconds["prompt_eval"], eval_seconds=seconds["eval"], logprobs=logprobs,
        )  # fmt: skip


@dataclass(frozen=True)
class AnswerPiece:
    """A piece of a streamed answer; the last one carries the whole in `answer`."""

    content: str
    answer: Answer | None = None


def parse_logprobs(entries: Iterable[Mapping[str, Any]] | None) -> tuple[TokenLogprob, ...]:
    """Read `logprobs` of an answer."""
    return tuple(
        TokenLogprob(
            entry["token"],
            entry["logprob"],
            tuple((other["token"], other["logprob"]) for other in entry.get("top_logprobs") or ()),
        )
        for entry in entries or ()
    )


def parse_parameters(text: str) -> dict[str, Any]:
    """Read the `parameters` of `/api/show`, a text with one name and value a line."""
    parameters: dict[str, Any] = {}
    for line in text.splitlines():
        name, _, value = line.strip().partition(" ")
        try:
            read: Any = json.loads(value)
        except ValueError:
            read = value.strip()
        if name == "stop":
            parameters.setdefault("stop", []).append(read)
        else:
            parameters[name] = read
    return parameters


def parameter_problems(parameters: Mapping[str, Any]) -> list[str]:
    """Name every parameter the server would silently ignore or misread; an empty list means that all are fine."""
    unknown = [f"unknown parameter {name!r}" for name in parameters if name not in _PARAMETERS]
    wrong = [
        f"parameter {name!r} must be {_PARAMETERS[name]}, not {value!r}"
        for name, value in parameters.items()
        if name in _PARAMETERS and not _fits(_PARAMETERS[name], value)
    ]
    return [*unknown, *wrong]


def message_problems(messages: Iterable[Mapping[str, Any] | Message]) -> list[str]:
    """Name every message the server would silently misread."""
    problems = []
    for index, message in enumerate(messages):
        fields = message.model_dump() if isinstance(message, Message) else message
        if fields.get("role") not in ROLES:
            problems.append(f"message {index} has role {fields.get('role')!r}, not one of {', '.join(ROLES)}")
        if not isinstance(fields.get("content"), str):
            problems.append(f"message {index} has no text as content")
    return problems


def _fits(kind: str, value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "a whole number":
        return number and float(value).is_integer()
    if kind == "a number":
        return number and value == value and abs(value) != float("inf")
    if kind == "true or false":
        return isinstance(value, bool)
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, str) for item in value))
