"""What a server says of its models, as types. Pure: no airflow, HTTP or SQL."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ljwx.core.model_names import short_name
from ljwx.core.ollama.replies import as_text

_KEEPS_WEIGHTS = (0, 34)
_LARGEST_SHELL = 1024
"""Bytes; a shell has 127, the config of a model alone."""
_WEIGHTS = re.compile(r"^FROM .*sha256[-:]([0-9a-f]{64})$", re.MULTILINE)


@dataclass(frozen=True)
class Progress:
    """One line of a build's or pull's progress; bytes are given while something is transferred."""

    status: str
    digest: str = ""
    completed: int | None = None
    total: int | None = None

    @classmethod
    def from_line(cls, line: Mapping[str, Any]) -> Progress:
        """Read a line of the answer of `/api/create` or `/api/pull`."""
        done, whole = (None if line.get(key) is None else int(line[key]) for key in ("completed", "total"))
        return cls(as_text(line.get("status") or ""), as_text(line.get("digest") or ""), done, whole)

    @property
    def percent(self) -> int | None:
        """Whole percents of the bytes; None where the server gives no bytes."""
        return self.completed * 100 // self.total if self.total and self.completed is not None else None


def progress_texts(progress: Iterable[Progress], step: int = 10) -> Iterator[str]:
    """Yield what is worth a line in a log: each new status, and every `step` percent of a transfer."""
    last: tuple[str, int] | None = None
    for line in progress:
        now = (line.status, (line.percent or 0) // step)
        if now != last:
            last = now
            yield f"{line.status}{'' if line.percent is None else f' {line.percent} %'}"


@dataclass(frozen=True)
class InstalledModel:
    """A model as the server lists it.

    :param digest: 64 hex digits, the identity of what the tag points at.
    :param size: bytes, shared blobs included.
    :param is_shell: whether it has no weights: a failed create leaves such a thing on some servers, where nothing but
        the list knows it.
    """

    name: str
    digest: str
    size: int
    modified_at: str
    parent: str
    parameter_size: str
    quantization: str
    is_shell: bool = False

    @classmethod
    def from_entry(cls, entry: Mapping[str, Any]) -> InstalledModel:
        """Read one of the `models` of `/api/tags`."""
        details = entry["details"]
        return cls(
            name=as_text(entry["name"]), digest=as_text(entry["digest"]), size=int(entry["size"]),
            modified_at=as_text(entry["modified_at"]), parent=details.get("parent_model", ""),
            parameter_size=details["parameter_size"], quantization=details["quantization_level"],
            is_shell=_is_shell(entry),
        )  # fmt: skip


@dataclass(frozen=True)
class RunningModel:
    """A model in the server's memory.

    :param context_length: tokens of prompt and answer it was loaded for; None when the server does not say.
    """

    name: str
    digest: str
    size: int
    expires_at: str
    context_length: int | None

    @classmethod
    def from_entry(cls, entry: Mapping[str, Any]) -> RunningModel:
        """Read one of the `models` of `/api/ps`."""
        context, expires = entry.get("context_length"), as_text(entry["expires_at"])
        length = None if context is None else int(context)
        return cls(as_text(entry["name"]), as_text(entry["digest"]), int(entry["size"]), expires, length)


@dataclass(frozen=True)
class ModelDescription:
    """What a model is made of, read back from the server.

    :param parameters: by name; `stop` is always a list.
    :param weights: 64 hex digits of the GGUF it serves; empty when the server does not say.
    :param capabilities: what the server says it can do, such as ``thinking``; older servers say nothing.
    """

    system: str
    template: str
    parameters: Mapping[str, Any]
    messages: tuple[tuple[str, str], ...]
    weights: str
    parent: str
    info: Mapping[str, Any]
    capabilities: tuple[str, ...] = ()
    license: str = ""

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> ModelDescription:
        """Read the answer of `/api/show`."""
        weights = _WEIGHTS.search(answer.get("modelfile") or "")
        return cls(
            system=as_text(answer.get("system") or ""),
            template=as_text(answer.get("template") or ""),
            parameters=parse_parameters(answer.get("parameters") or ""),
            messages=tuple((message["role"], message["content"]) for message in answer.get("messages") or ()),
            weights=weights.group(1) if weights else "",
            parent=(answer.get("details") or {}).get("parent_model", ""),
            info=answer.get("model_info") or {},
            capabilities=tuple(map(as_text, answer.get("capabilities") or ())),
            license=_license(answer.get("license") or ""),
        )


def library_page(model: str) -> str:
    """Return the address of a model's page: on ollama.com, or on the host that its name begins with.

    >>> library_page("deepseek-llm:7b"), library_page("hf.co/unsloth/some-GGUF:Q4_K_M")
    ('https://ollama.com/library/deepseek-llm:7b', 'https://hf.co/unsloth/some-GGUF')
    """
    short = short_name(model)
    owner, slash, _ = short.partition("/")
    if "." in owner and slash:
        return f"https://{short.partition(':')[0]}"
    return f"https://ollama.com/{'' if slash else 'library/'}{short}"


def read_version(answer: Mapping[str, Any]) -> str:
    """Read the answer of `/api/version`."""
    return as_text(answer["version"])


def keeps_weights(version: str) -> bool:
    """Return whether a server stores an uploaded GGUF byte for byte: 0.33 and before rewrite it, with other digits."""
    numbers = re.match(r"(\d+)\.(\d+)", version)
    return numbers is not None and tuple(map(int, numbers.groups())) >= _KEEPS_WEIGHTS


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


def _is_shell(entry: Mapping[str, Any]) -> bool:
    """Tell a shell from a model of a service elsewhere, which has no weights here and may have no details either."""
    details = entry["details"]
    described = details.get("format") or details.get("family") or entry.get("remote_host")
    return not described and int(entry["size"]) < _LARGEST_SHELL


def _license(value: Any) -> str:
    """Return the text of a licence, which may come in parts."""
    return "\n".join(map(as_text, value)) if isinstance(value, list) else as_text(value)
