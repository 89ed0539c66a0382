"""Answers that come line by line for minutes: a part of the requests at a time, and one of each owner."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from ljwx.api.errors import problem
from ljwx.services.analysing.watchlists import Owner

SHARE: Final = 4
"""Of this many requests that are worked on, one may be a stream: the others are left to what is quickly answered."""
WAIT_SECONDS: Final = 30


class Streams:
    """Who is being sent a stream; used by the one thread of an application's loop.

    :param requests: that are worked on at a time.
    """

    def __init__(self, requests: int) -> None:
        self._most = max(1, requests // SHARE)
        self._owners: set[Owner] = set()

    @contextmanager
    def take(self, owner: Owner) -> Iterator[str | None]:
        """Take a place and give it back; say why there is none, where there is none."""
        if owner in self._owners:
            yield "your watchlist is being analysed for another request; let that one end"
        elif len(self._owners) >= self._most:
            yield f"{self._most} watchlists are being analysed, as many as may be at a time; try again in a minute"
        else:
            self._owners.add(owner)
            try:
                yield None
            finally:
                self._owners.discard(owner)


class OneOfStreams(StreamingResponse):
    """A stream that begins where there is a place for it, and gives it back however it ends; else 429."""

    def __init__(self, lines: Iterable[bytes], streams: Streams, owner: Owner, **options: Any) -> None:
        super().__init__(lines, **options)
        self._streams, self._owner = streams, owner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        with self._streams.take(self._owner) as why_not:
            if why_not is None:
                await super().__call__(scope, receive, send)
            else:
                await problem(429, "busy", why_not, wait_seconds=WAIT_SECONDS)(scope, receive, send)
