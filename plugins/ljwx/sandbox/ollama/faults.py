"""Faults a test can switch on: the next requests to a route fail in a chosen way.

``PUT /_sandbox/faults`` takes one fault or a list of them (an empty list clears), each
``{"route": "create", "kind": "error_line" | "hang_up" | "delay" | "status" | "lines", "times": 1, …}``.
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


class Fault(BaseModel):
    """One fault.

    :param route: last part of the path (`create`, `chat`, `blobs` …), or `*`.
    :param kind: `error_line` sends `lines` and an error line with HTTP 200; `lines` sends them and ends in good order;
        `hang_up` breaks the connection after `after` pieces of the real answer; `delay` waits `seconds` first;
        `status` answers `status` with the message as error.
    """

    model_config = ConfigDict(extra="forbid")

    route: str
    kind: Literal["error_line", "lines", "hang_up", "delay", "status"]
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
        elif fault.kind == "status":
            await _send(send, fault.status, "application/json", json.dumps({"error": fault.message}))
        else:
            error = [{"error": fault.message}] if fault.kind == "error_line" else []
            body = "".join(f"{json.dumps(line)}\n" for line in [*fault.lines, *error])
            await _send(send, 200, "application/x-ndjson", body)

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


async def _send(send: Send, status: int, content_type: str, body: str) -> None:
    headers = [(b"content-type", content_type.encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body.encode()})
