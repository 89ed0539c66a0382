"""Faults a test can switch on: the next requests to a route fail in a chosen way.

``PUT /_sandbox/faults`` takes one fault or a list of them (an empty list clears), each
``{"route": "create", "kind": "error_line" | "hang_up" | "delay" | "slow" | "status" | "lines", "times": 1, …}``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

_NDJSON = "application/x-ndjson"


class Fault(BaseModel):
    """One fault.

    :param route: last part of the path (`create`, `chat`, `blobs` …), or `*`.
    :param kind: `error_line` sends `lines` and an error line with HTTP 200; `lines` sends them and ends in good order;
        `hang_up` breaks the connection after `after` pieces of the real answer; `delay` waits `seconds` first;
        `slow` sends `lines` and then the real answer, waits `seconds` after each piece, and stops with its client;
        `status` answers `status` with the message as error.
    """

    model_config = ConfigDict(extra="forbid")

    route: str
    kind: Literal["error_line", "lines", "hang_up", "delay", "slow", "status"]
    times: int = 1
    status: int = 500
    message: str = "the sandbox was told to fail"
    seconds: float = 1.0
    after: int = 0
    lines: list[dict[str, Any]] = Field(default_factory=list)


class FaultInjector:
    """ASGI middleware that plays the faults."""

    def __init__(self, app: App) -> None:
        self.faults: list[Fault] = []
        self._app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request, failing when a fault waits for its route."""
        fault = self._take(scope["path"]) if scope["type"] == "http" else None
        if fault is None:
            await self._app(scope, receive, send)
        elif fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
            await self._app(scope, receive, send)
        elif fault.kind == "hang_up":
            await self._hang_up(fault, scope, receive, send)
        elif fault.kind == "slow":
            await self._slow(fault, scope, receive, send)
        elif fault.kind == "status":
            await _send(send, fault.status, "application/json", json.dumps({"error": fault.message}))
        else:
            error = [{"error": fault.message}] if fault.kind == "error_line" else []
            body = "".join(map(_line, [*fault.lines, *error]))
            await _send(send, 200, _NDJSON, body)

    def _take(self, path: str) -> Fault | None:
        if not path.startswith("/api/"):
            return None
        route = path.split("/")[2]
        fault = next((fault for fault in self.faults if fault.route in (route, "*") and fault.times > 0), None)
        if fault is not None:
            fault.times -= 1
        return fault

    async def _hang_up(self, fault: Fault, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        left, broken = fault.after, asyncio.Event()

        async def limited(message: Message) -> None:
            nonlocal left
            if message["type"] == "http.response.body":
                if left <= 0:
                    broken.set()
                    await asyncio.Future()
                left -= 1
                message = {**message, "more_body": True}
            await send(message)

        answer = asyncio.ensure_future(self._app(scope, receive, limited))
        signal = asyncio.ensure_future(broken.wait())
        await asyncio.wait({answer, signal}, return_when=asyncio.FIRST_COMPLETED)
        for task in (answer, signal):
            task.cancel()
        await asyncio.gather(answer, signal, return_exceptions=True)

    async def _slow(self, fault: Fault, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        requests = [{"type": "http.request", "body": await _body(receive), "more_body": False}]
        gone = asyncio.ensure_future(receive())  # after the body a server tells one thing more: that the client went

        async def again() -> Message:
            return requests.pop() if requests else await asyncio.shield(gone)

        async def paced(message: Message) -> None:
            if message["type"] == "http.response.body" or not fault.lines:
                await send(message)
            if message.get("more_body"):
                await asyncio.wait({gone}, timeout=fault.seconds)

        if fault.lines:
            await send(_start(200, _NDJSON))
        for line in fault.lines:
            await send({"type": "http.response.body", "body": _line(line).encode(), "more_body": True})
            await asyncio.wait({gone}, timeout=fault.seconds)
        if not gone.done():
            await self._app(scope, again, paced)
        gone.cancel()


async def _body(receive: Receive) -> bytes:
    content, more = b"", True
    while more:
        message = await receive()
        content, more = content + message.get("body", b""), message.get("more_body", False)
    return content


def _line(line: dict[str, Any]) -> str:
    return f"{json.dumps(line)}\n"


def _start(status: int, content_type: str) -> Message:
    return {"type": "http.response.start", "status": status, "headers": [(b"content-type", content_type.encode())]}


async def _send(send: Send, status: int, content_type: str, body: str) -> None:
    await send(_start(status, content_type))
    await send({"type": "http.response.body", "body": body.encode()})
