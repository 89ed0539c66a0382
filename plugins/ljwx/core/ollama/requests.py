"""Requests to an Ollama server, and what is wrong with one that it would take in silence. Pure: no HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from ljwx.core.models import Message
from ljwx.exceptions import RefusedRequest

Messages = Sequence[Message | Mapping[str, Any]]
Format = Literal["json"] | Mapping[str, Any]

ROLES = ("system", "user", "assistant", "tool")
_INTEGERS = ("num_ctx", "num_predict", "num_keep", "num_batch", "num_gpu", "num_thread", "main_gpu")
_PARAMETERS: dict[str, str] = {
    **dict.fromkeys((*_INTEGERS, "seed", "top_k", "repeat_last_n"), "a whole number"),
    **dict.fromkeys(("temperature", "top_p", "min_p", "typical_p", "repeat_penalty"), "a number"),
    **dict.fromkeys(("presence_penalty", "frequency_penalty"), "a number"),
    "use_mmap": "true or false",
    "stop": "a text or a list of texts",
}


def parameter_problems(parameters: Mapping[str, Any]) -> list[str]:
    """Name every parameter the server would silently ignore or misread; an empty list means that all are fine."""
    unknown = [f"unknown parameter {name!r}" for name in parameters if name not in _PARAMETERS]
    wrong = [
        f"parameter {name!r} must be {_PARAMETERS[name]}, not {value!r}"
        for name, value in parameters.items()
        if name in _PARAMETERS and not _fits(_PARAMETERS[name], value)
    ]
    endless = parameters.get("num_predict") == 0
    return [*unknown, *wrong, *["parameter 'num_predict' must not be 0: the answer would have no end"] * endless]


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


def chat_request(
    model: str,
    messages: Messages,
    form: Format | None,
    options: Mapping[str, Any] | None,
    top_logprobs: int | None,
    keep_alive: str | int | None,
    truncate: bool,
) -> dict[str, Any]:
    """Return the body of `/api/chat`.

    :raises RefusedRequest: naming everything that the server would misread.
    """
    refuse([*parameter_problems(options or {}), *message_problems(messages)])
    if form is not None and form != "json" and not isinstance(form, Mapping):
        raise RefusedRequest(f"format must be 'json' or a JSON schema, not {form!r}")
    given = {"format": form, "options": dict(options or {}), "keep_alive": keep_alive}
    body = {key: value for key, value in given.items() if value is not None}
    probabilities = {} if top_logprobs is None else {"logprobs": True, "top_logprobs": top_logprobs}
    return {"model": model, "messages": dumped(messages), **body, **probabilities, "truncate": truncate}


def dumped(messages: Messages) -> list[dict[str, Any]]:
    """Return messages as they are sent."""
    return [message.model_dump() if isinstance(message, Message) else dict(message) for message in messages]


def refuse(problems: Sequence[str]) -> None:
    """Raise RefusedRequest where there is any problem, naming all."""
    if problems:
        raise RefusedRequest("; ".join(problems))


def _fits(kind: str, value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "a whole number":
        return number and float(value).is_integer()
    if kind == "a number":
        return number and value == value and abs(value) != float("inf")
    if kind == "true or false":
        return isinstance(value, bool)
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, str) for item in value))
