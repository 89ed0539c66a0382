"""What a request may cost: its size, how deep its JSON is, how long it takes to come, and how many there are."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ljwx.api.errors import problem

MOST_BYTES: Final = 256 * 1024
MOST_DEPTH: Final = 32
BODY_SECONDS: Final = 15.0
SEND_SECONDS: Final = 60.0
"""In which a part of a stream has to be taken by who asked for it."""
WAIT_SECONDS: Final = 10.0
MOST_WAITING: Final = 4
HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
    (b"x-ai-generated", b"true"),
)
"""Of every answer that says nothing else itself: no page, in no frame, not kept, and labelled."""


class Left(Exception):
    """Who asked for a stream takes no more of it."""


class Limits:
    """Reads the body of a request before the application does, and refuses what is too much.

    :param requests: that are worked on at a time; `MOST_WAITING` times as many wait `WAIT_SECONDS` at most, unread.
    :param body_seconds: for a body to come in full.
    """

    def __init__(self, app: ASGIApp, requests: int, body_seconds: float = BODY_SECONDS) -> None:
        self._app, self._requests, self._body_seconds = app, requests, body_seconds
        self._slots, self._waiting = asyncio.Semaphore(requests), 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headed = _with_headers(send)
        if not await self._has_turn():
            refused = problem(503, "too_many_requests", "too many requests at a time; try again", wait_seconds=5)
            await refused(scope, receive, headed)
            return
        try:
            await self._answer(scope, receive, headed)
        except Left:
            return  # the server closes what is left unfinished
        finally:
            self._slots.release()

    async def _has_turn(self) -> bool:
        """Wait for a turn; nothing of the request is read before it."""
        if self._waiting >= MOST_WAITING * self._requests:
            return False
        self._waiting += 1
        try:
            await asyncio.wait_for(self._slots.acquire(), WAIT_SECONDS)
        except asyncio.TimeoutError:
            return False
        finally:
            self._waiting -= 1
        return True

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await asyncio.wait_for(_body(receive), self._body_seconds)
        except asyncio.TimeoutError:
            await problem(408, "too_slow", "the request took too long to come")(scope, receive, send)
            return
        if body is None:
            await problem(413, "too_large", f"a request has {MOST_BYTES} bytes at most")(scope, receive, send)
        elif is_deep(body):
            message = f"the JSON is nested deeper than {MOST_DEPTH} levels"
            await problem(400, "too_deep", message)(scope, receive, send)
        else:
            await self._app(scope, once(body, receive), send)


def is_deep(body: bytes) -> bool:
    """Tell whether brackets stand in each other too deep, whatever else the body is; those in texts do not count."""
    depth, in_text, escaped = 0, False, False
    for sign in body:
        if in_text:
            in_text, escaped = escaped or sign != ord('"'), not escaped and sign == ord("\\")
        elif sign == ord('"'):
            in_text = True
        elif sign in b"[{":
            depth += 1
            if depth > MOST_DEPTH:
                return True
        elif sign in b"]}":
            depth -= 1
    return False


async def _body(receive: Receive) -> bytes | None:
    """Read a body; None where it is too large."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(parts)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MOST_BYTES:
            return None
        if not message.get("more_body", False):
            return b"".join(parts)


def once(body: bytes, receive: Receive) -> Receive:
    """Return what gives a body that was read, and then what comes after it."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _with_headers(send: Send) -> Send:
    async def headed(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = list(message.get("headers", []))
            said = {name.lower() for name, _ in own}
            message["headers"] = [*own, *(each for each in HEADERS if each[0] not in said)]
        if not message.get("more_body", False):
            await send(message)
            return
        try:
            await asyncio.wait_for(send(message), SEND_SECONDS)
        except asyncio.TimeoutError:
            raise Left from None

    return headed
