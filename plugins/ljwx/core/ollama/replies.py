"""What a model answers, as types. Pure: no airflow, HTTP or SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ljwx.core.thinking import in_tags, said_tokens, split_thinking


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
        return cls(as_text(message["content"]), as_text(message.get("thinking") or ""))

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
            model=as_text(line["model"]), content=content, done_reason=line.get("done_reason") or "stop",
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
            content=as_text(answer["response"]), done_reason=answer.get("done_reason") or "stop",
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


def parse_logprobs(entries: Iterable[Mapping[str, Any]] | None) -> tuple[TokenLogprob, ...]:
    """Read `logprobs` of an answer."""
    return tuple(
        TokenLogprob(
            as_text(entry["token"]),
            float(entry["logprob"]),
            tuple((as_text(other["token"]), float(other["logprob"])) for other in entry.get("top_logprobs") or ()),
        )
        for entry in entries or ()
    )


def as_text(value: Any) -> str:
    """Return a text as it is.

    :raises TypeError: it is none.
    """
    if not isinstance(value, str):
        raise TypeError(f"{value!r} where a text belongs")
    return value
