"""Requests and answers on the wire: JSON bodies with Go's error texts, one JSON answer or NDJSON lines."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import PlainTextResponse, StreamingResponse
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from ljwx_sandbox.ollama.errors import ApiError

Line = dict[str, Any]

_LOOK_SECONDS = 0.2
"""Between two looks whether the client of an answer in one piece is still there."""


def add_error_handlers(app: FastAPI) -> None:
    """Answer errors in Ollama's form."""
    app.add_exception_handler(ApiError, _on_api_error)
    app.add_exception_handler(HTTPException, _on_http_error)


async def read_body(request: Request) -> dict[str, Any]:
    """Return the JSON object of a request, or raise 400 as Go words it."""
    content = await request.body()
    if not content.strip():
        raise ApiError(400, "missing request body")
    try:
        body = json.loads(content)
    except ValueError as error:
        raise ApiError(400, _go_syntax_error(content, error)) from error
    if not isinstance(body, dict):
        raise ApiError(400, "json: cannot unmarshal into Go value")
    return body


def _go_syntax_error(content: bytes, error: ValueError) -> str:
    position = getattr(error, "pos", 0)
    text = content.decode(errors="replace")
    if position >= len(text):
        return "unexpected EOF"
    inside = text[:position].rstrip().endswith(("{", ","))
    where = "looking for beginning of object key string" if inside else "looking for beginning of value"
    return f"invalid character '{text[position]}' {where}"


async def stream_or_join(
    request: Request,
    start: Callable[[], Iterator[Line]],
    body: dict[str, Any],
    join: Callable[[Iterator[Line]], Line],
) -> Response:
    """Answer a generator's lines as NDJSON, or joined into one when the request says `"stream": false`.

    The work ends with the client: when it goes, no further line is made.
    """
    if body.get("stream") is False:
        return json_answer(await _joined(request, start, join))
    return await run_in_threadpool(lambda: _Lines(start()))


async def _joined(
    request: Request, start: Callable[[], Iterator[Line]], join: Callable[[Iterator[Line]], Line]
) -> Line:
    gone = threading.Event()
    work = asyncio.ensure_future(run_in_threadpool(lambda: join(_until(gone, start()))))
    while not (await asyncio.wait({work}, timeout=_LOOK_SECONDS))[0]:
        if await request.is_disconnected():
            gone.set()
    return await work


def _until(gone: threading.Event, lines: Iterator[Line]) -> Iterator[Line]:
    try:
        for line in lines:
            yield line
            if gone.is_set():
                break
    finally:
        _close(lines)


class _Lines(StreamingResponse):
    """Lines as they come, which end with the client, also where it went before the first one."""

    def __init__(self, lines: Iterator[Line]) -> None:
        first = next(lines)
        super().__init__(_ndjson(itertools.chain([first], lines)), media_type="application/x-ndjson")
        self._lines = lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await run_in_threadpool(_close, self._lines)


def _close(lines: Iterator[Line]) -> None:
    if isinstance(lines, Generator):
        lines.close()


def _ndjson(lines: Iterator[Line]) -> Iterator[bytes]:
    try:
        for line in lines:
            yield json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    except ApiError as error:
        yield json.dumps({"error": error.message}, ensure_ascii=False).encode() + b"\n"


def json_answer(value: Any, status: int = 200) -> Response:
    """Answer one JSON value."""
    content = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Response(content, status, media_type="application/json; charset=utf-8")


async def _on_api_error(_: Request, error: Exception) -> Response:
    if not isinstance(error, ApiError):
        raise error
    return json_answer({"error": error.message}, error.status)


async def _on_http_error(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    text = {404: "404 page not found", 405: "405 method not allowed"}.get(status, f"{status}")
    return PlainTextResponse(text, status)
