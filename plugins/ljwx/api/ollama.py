"""Chat as Ollama's clients speak it: `/api/version`, `/api/tags`, `/api/show`, `/api/chat`, `/api/generate`.

Written after Ollama's docs/api.md of version 0.13. A client that sends `stream: false` gets the whole at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from ljwx.api.access import CHAT_TOKEN
from ljwx.api.errors import described, streamed
from ljwx.api.openai import MODEL, MOST_MESSAGES, last_question, pieces, require_model
from ljwx.api.state import state_of
from ljwx.services.analysing.analyst import Analyst
from ljwx.services.analysing.chat import reply

VERSION: Final = "0.13.0"
TAG: Final = f"{MODEL}:latest"

router = APIRouter(prefix="/api", dependencies=[CHAT_TOKEN], responses=described(401, 403, 429), tags=["Ollama"])
root = APIRouter()


class VersionDocument(BaseModel):
    """The version of Ollama whose API this is."""

    version: str


class OllamaMessage(BaseModel):
    """A message of a conversation."""

    model_config = ConfigDict(extra="allow")

    role: str
    content: str = ""


class OfModel(BaseModel):
    """A request about the model; what else a client sends changes nothing."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"example": {"model": MODEL}})

    model: str = MODEL


class ChatRequest(OfModel):
    """A conversation."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={"example": {"model": MODEL, "messages": [{"role": "user", "content": "平安银行怎么样"}]}},
    )

    messages: list[OllamaMessage] = Field(default=[], max_length=MOST_MESSAGES)
    stream: bool | None = True


class GenerateRequest(OfModel):
    """A single message."""

    model_config = ConfigDict(
        extra="allow", json_schema_extra={"example": {"model": MODEL, "prompt": "平安银行的风险"}}
    )

    prompt: str | None = ""
    stream: bool | None = True


@root.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
def alive() -> PlainTextResponse:
    """Say what Ollama's clients look for before they ask."""
    return PlainTextResponse("Ollama is running")


@router.get("/version")
def version() -> VersionDocument:
    """Return the version of Ollama's API that is spoken."""
    return VersionDocument(version=VERSION)


@router.get("/tags", response_model=None)
def tags(request: Request) -> JSONResponse:
    """List the one model that is served."""
    return JSONResponse({"models": [_listed(state_of(request).analyst)]})


@router.post("/show", response_model=None, responses=described(404))
def show(request: Request, asked: OfModel) -> JSONResponse:
    """Describe the model that is served."""
    require_model(asked.model)
    listed = _listed(state_of(request).analyst)
    more = {"modelfile": "", "parameters": "", "template": "{{ .Prompt }}", "license": "", "model_info": {
        "general.architecture": "ljwx"}, "capabilities": ["completion"]}  # fmt: skip
    return JSONResponse({"details": listed["details"], "modified_at": listed["modified_at"], **more})


@router.post("/chat", response_model=None, responses=described(404) | streamed("application/x-ndjson"))
def chat(request: Request, asked: ChatRequest) -> JSONResponse | StreamingResponse:
    """Answer the last message of the user by an analysis; the messages before it are not read."""
    require_model(asked.model)
    if not asked.messages:
        return JSONResponse(_end({"message": {"role": "assistant", "content": ""}}, "load"))
    question = last_question([(each.role, each.content) for each in asked.messages])
    text = _reply(request, question)
    if asked.stream is False:
        return JSONResponse(_end({"message": {"role": "assistant", "content": text}}))
    parts = [{"message": {"role": "assistant", "content": piece}} for piece in pieces(text)]
    return _streamed(parts, {"message": {"role": "assistant", "content": ""}})


@router.post("/generate", response_model=None, responses=described(404) | streamed("application/x-ndjson"))
def generate(request: Request, asked: GenerateRequest) -> JSONResponse | StreamingResponse:
    """Answer a message by an analysis; without one, as a client sends to load a model, nothing is asked."""
    require_model(asked.model)
    if not asked.prompt:
        return JSONResponse(_end({"response": ""}, "load"))
    text = _reply(request, asked.prompt)
    if asked.stream is False:
        return JSONResponse(_end({"response": text}))
    return _streamed([{"response": piece} for piece in pieces(text)], {"response": ""})


def _reply(request: Request, question: str) -> str:
    state = state_of(request)
    return reply(state.analyst, question, state.settings.operator)


def _streamed(parts: list[dict[str, Any]], last: dict[str, Any]) -> StreamingResponse:
    def lines() -> Iterator[str]:
        for part in parts:
            yield json.dumps({**_head(), **part, "done": False}, ensure_ascii=False) + "\n"
        yield json.dumps(_end(last), ensure_ascii=False) + "\n"

    return StreamingResponse(lines(), media_type="application/x-ndjson")


def _head() -> dict[str, Any]:
    return {"model": MODEL, "created_at": datetime.now(timezone.utc).isoformat()}


def _end(fields: dict[str, Any], reason: str = "stop") -> dict[str, Any]:
    counts = dict.fromkeys(
        ("total_duration", "load_duration", "prompt_eval_count", "prompt_eval_duration", "eval_count", "eval_duration"),
        0,
    )
    return {**_head(), **fields, "done": True, "done_reason": reason, **counts}


def _listed(analyst: Analyst) -> dict[str, Any]:
    """The one model, as Ollama lists models; its digest is the champion's."""
    champion = analyst.warehouse.champion()
    details = {
        "parent_model": "", "format": "ljwx", "family": "ljwx", "families": ["ljwx"], "parameter_size": "",
        "quantization_level": "",
    }  # fmt: skip
    digest = "0" * 64 if champion is None else champion.digest
    changed = datetime.fromtimestamp(0, timezone.utc) if champion is None else champion.updated_at
    return {
        "name": TAG, "model": TAG, "modified_at": changed.isoformat(), "size": 0, "digest": digest, "details": details,
    }  # fmt: skip
