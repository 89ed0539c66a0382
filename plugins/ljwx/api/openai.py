"""Chat as OpenAI's clients speak it: `/v1/models` and `/v1/chat/completions`, whole and streamed.

Written after OpenAI's API reference, chat object and chat completion chunk object.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from typing import Any, Final, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from ljwx.api.access import TOKEN
from ljwx.api.errors import Refused, described, streamed
from ljwx.api.state import state_of
from ljwx.services.analysing.chat import reply

MODEL: Final = "ljwx-stock"
MOST_MESSAGES: Final = 200
CREATED: Final = 1_767_225_600
"""When the model of this name began to be served; a client wants a number."""

router = APIRouter(prefix="/v1", dependencies=[TOKEN], responses=described(401, 403, 429), tags=["OpenAI"])


class Part(BaseModel):
    """A part of a message; only text is read."""

    model_config = ConfigDict(extra="allow")

    type: str
    text: str | None = None


class ChatMessage(BaseModel):
    """A message of a conversation."""

    model_config = ConfigDict(extra="allow")

    role: str
    content: str | list[Part] | None = None

    @property
    def text(self) -> str:
        """What is read of it."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.text)
        return self.content or ""


class StreamOptions(BaseModel):
    """What a stream ends with."""

    model_config = ConfigDict(extra="allow")

    include_usage: bool = False


class CompletionRequest(BaseModel):
    """A conversation; what else a client sends, such as a temperature, changes nothing."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {"model": MODEL, "messages": [{"role": "user", "content": "分析000001.SZ的投资价值"}]}
        },
    )

    model: str = MODEL
    messages: list[ChatMessage] = Field(min_length=1, max_length=MOST_MESSAGES)
    stream: bool | None = False
    stream_options: StreamOptions | None = None


class ModelObject(BaseModel):
    """A model."""

    id: str
    object: Literal["model"] = "model"
    created: int = CREATED
    owned_by: str = "ljwx-stock"


class ModelList(BaseModel):
    """The models: one, which analyses stocks."""

    object: Literal["list"] = "list"
    data: list[ModelObject]


@router.get("/models")
def models() -> ModelList:
    """List the model that is served: the champion, whatever it is."""
    return ModelList(data=[ModelObject(id=MODEL)])


@router.get("/models/{model}", responses=described(404))
def model(model: str) -> ModelObject:
    """Return a model by its name."""
    require_model(model)
    return ModelObject(id=MODEL)


@router.post("/chat/completions", response_model=None, responses=described(404) | streamed("text/event-stream"))
def complete(request: Request, asked: CompletionRequest) -> JSONResponse | StreamingResponse:
    """Answer the last message of the user by an analysis; the messages before it are not read."""
    require_model(asked.model)
    state = state_of(request)
    question = last_question([(each.role, each.text) for each in asked.messages])
    text = reply(state.analyst, question, state.settings.operator)
    head = {"id": identifier(text), "created": int(time.time()), "model": MODEL}
    usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    if asked.stream:
        with_usage = asked.stream_options is not None and asked.stream_options.include_usage
        return StreamingResponse(_events(head, text, usage if with_usage else None), media_type="text/event-stream")
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    return JSONResponse({**head, "object": "chat.completion", "choices": [choice], "usage": usage})


def require_model(name: str) -> None:
    """See that the model that is served is meant.

    :raises Refused: another is.
    """
    if name.removesuffix(":latest") != MODEL:
        raise Refused(404, "no_model", f"there is no model {name[:100]!r}; there is {MODEL}")


def last_question(messages: list[tuple[str, str]]) -> str:
    """Return the last message of the user; empty where there is none, which is answered by saying what to write."""
    return next((text for role, text in reversed(messages) if role == "user"), "")


def identifier(text: str) -> str:
    """Return the id of an answer: the same of the same text."""
    return f"chatcmpl-{hashlib.sha256(text.encode()).hexdigest()[:24]}"


def pieces(text: str) -> list[str]:
    """Return a text in the pieces in which it is streamed: its lines."""
    return text.splitlines(keepends=True)


def _events(head: dict[str, Any], text: str, usage: dict[str, int] | None) -> Iterator[str]:
    more = {} if usage is None else {"usage": None}
    deltas: list[tuple[dict[str, str], str | None]] = [({"role": "assistant", "content": ""}, None)]
    deltas += [({"content": piece}, None) for piece in pieces(text)]
    for delta, reason in (*deltas, ({}, "stop")):
        choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
        yield _event({**head, "object": "chat.completion.chunk", "choices": [choice], **more})
    if usage is not None:
        yield _event({**head, "object": "chat.completion.chunk", "choices": [], "usage": usage})
    yield "data: [DONE]\n\n"


def _event(document: dict[str, Any]) -> str:
    return f"data: {json.dumps(document, ensure_ascii=False)}\n\n"
