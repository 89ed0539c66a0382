"""Ollama's answers as types. Pure: no airflow, HTTP or SQL."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ljwx.core.model_names import short_name
from ljwx.core.thinking import in_tags, said_tokens, split_thinking

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
        return cls(_text(line.get("status") or ""), _text(line.get("digest") or ""), done, whole)

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
            name=_text(entry["name"]), digest=_text(entry["digest"]), size=int(entry["size"]),
            modified_at=_text(entry["modified_at"]), parent=details.get("parent_model", ""),
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
        context, expires = entry.get("context_length"), _text(entry["expires_at"])
        length = None if context is None else int(context)
        return cls(_text(entry["name"]), _text(entry["digest"]), int(entry["size"]), expires, length)


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
            system=_text(answer.get("system") or ""),
            template=_text(answer.get("template") or ""),
            parameters=parse_parameters(answer.get("parameters") or ""),
            messages=tuple((message["role"], message["content"]) for message in answer.get("messages") or ()),
            weights=weights.group(1) if weights else "",
            parent=(answer.get("details") or {}).get("parent_model", ""),
            info=answer.get("model_info") or {},
            capabilities=tuple(map(_text, answer.get("capabilities") or ())),
            license=_license(answer.get("license") or ""),
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
class Said:
    """The text that an answer, or a line of it, brings; `thinking` is what the server tells apart as thought."""

    content: str = ""
    thinking: str = ""

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> Said:
        """Read a line of `/api/chat`."""
        message = line["message"]
        return cls(_text(message["content"]), _text(message.get("thinking") or ""))

    def __add__(self, more: Said) -> Said:
        return Said(self.content + more.content, self.thinking + more.thinking)


@dataclass(frozen=True)
class ChatReply:
    """A complete answer.

    :param content: what was said, behind what was thought.
    :param thinking: what was thought before; empty where nothing was.
    :param raw: both as they came; a thought that came apart stands in front, in tags.
    :param logprobs: of the tokens of `content`.
    :param done_reason: `stop`, `length`, `load` or `unload`.
    :param prompt_eval_count: tokens of the prompt as it was answered, cached ones included; None where the server does
        not say.
    :param eval_count: tokens of the answer.
    """

    model: str
    content: str
    done_reason: str
    prompt_eval_count: int | None
    eval_count: int
    total_seconds: float
    load_seconds: float
    prompt_eval_seconds: float
    eval_seconds: float
    logprobs: tuple[TokenLogprob, ...] = ()
    thinking: str = ""
    raw: str = ""

    @classmethod
    def from_line(cls, line: Mapping[str, Any], said: Said, logprobs: tuple[TokenLogprob, ...]) -> ChatReply:
        """Read the last line of an answer; `said` is the text of all of them."""
        thinking, content = (said.thinking, said.content) if said.thinking else split_thinking(said.content)
        timed = ("total", "load", "prompt_eval", "eval")
        seconds = {name: (line.get(f"{name}_duration") or 0) / 1e9 for name in timed}
        counted = line.get("prompt_eval_count")
        return cls(
            model=_text(line["model"]), content=content, done_reason=line.get("done_reason") or "stop",
            prompt_eval_count=int(counted) if counted else None, eval_count=int(line.get("eval_count") or 0),
            total_seconds=seconds["total"], load_seconds=seconds["load"],
            prompt_eval_seconds=seconds["prompt_eval"], eval_seconds=seconds["eval"],
            logprobs=said_tokens(logprobs, thinking, content),
            thinking=thinking, raw=in_tags(said.thinking, said.content),
        )  # fmt: skip


@dataclass(frozen=True)
class Completion:
    """What a server goes on with behind a prompt.

    :param prompt: token ids of the rendered prompt; None where the server does not tell them, as of a raw prompt.
    :param prompt_tokens: how many tokens the prompt has; None where the server does not say.
    """

    content: str
    done_reason: str
    prompt: tuple[int, ...] | None
    prompt_tokens: int | None
    answer_tokens: int
    logprobs: tuple[TokenLogprob, ...]

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> Completion:
        """Read the answer of `/api/generate`, whose `context` is the prompt's tokens and then the answer's."""
        counted, ids = answer.get("prompt_eval_count"), answer.get("context")
        tokens = int(counted) if counted else None
        return cls(
            content=_text(answer["response"]), done_reason=answer.get("done_reason") or "stop",
            prompt=tuple(map(int, ids[:tokens])) if ids and tokens else None, prompt_tokens=tokens,
            answer_tokens=int(answer.get("eval_count") or 0), logprobs=parse_logprobs(answer.get("logprobs")),
        )  # fmt: skip


@dataclass(frozen=True)
class ReplyPiece:
    """A piece of a streamed answer as it comes; the last one carries the whole in `answer`.

    Thoughts that the server tells apart are left out; those between tags in the text come as they are.
    """

    content: str
    answer: ChatReply | None = None


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
    return _text(answer["version"])


def keeps_weights(version: str) -> bool:
    """Return whether a server stores an uploaded GGUF byte for byte: 0.33 and before rewrite it, with other digits."""
    numbers = re.match(r"(\d+)\.(\d+)", version)
    return numbers is not None and tuple(map(int, numbers.groups())) >= _KEEPS_WEIGHTS


def parse_logprobs(entries: Iterable[Mapping[str, Any]] | None) -> tuple[TokenLogprob, ...]:
    """Read `logprobs` of an answer."""
    return tuple(
        TokenLogprob(
            _text(entry["token"]),
            float(entry["logprob"]),
            tuple((_text(other["token"]), float(other["logprob"])) for other in entry.get("top_logprobs") or ()),
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


def _is_shell(entry: Mapping[str, Any]) -> bool:
    """Tell a shell from a model of a service elsewhere, which has no weights here and may have no details either."""
    details = entry["details"]
    described = details.get("format") or details.get("family") or entry.get("remote_host")
    return not described and int(entry["size"]) < _LARGEST_SHELL


def _license(value: Any) -> str:
    """Return the text of a licence, which may come in parts."""
    return "\n".join(map(_text, value)) if isinstance(value, list) else _text(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} where a text belongs")
    return value
