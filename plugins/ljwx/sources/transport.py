"""HTTP to a source's server: one pooled session, time-outs for the whole answer, and repeats after trouble."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Collection
from functools import cached_property
from typing import Any, TypeVar

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from ljwx.exceptions import MalformedAnswer, RateLimited, SourceUnavailable
from ljwx.network import trouble_on_the_way
from ljwx.sources.endpoint import Address

log = logging.getLogger(__name__)

RETRY_SECONDS = 60.0
"""Within which a request may be repeated, unless its caller says otherwise."""
PART_BYTES = 65_536
_FIRST_DELAY, _LONGEST_DELAY = 0.5, 8.0

Result = TypeVar("Result")


class Retries:
    """The seconds that trouble may cost in one query, all its requests together; what goes well costs none.

    :param budget: seconds.
    :param sleep: waits between attempts.
    """

    def __init__(self, budget: float, sleep: Callable[[float], None] = time.sleep) -> None:
        self.left = budget
        self._sleep = sleep
        self._failures = 0

    def call(self, attempt: Callable[[], Result], before: Callable[[], None] | None = None) -> Result:
        """Return what an attempt returns; repeat it after trouble that may heal by itself, as long as the seconds last.

        :param before: is called before each attempt, at no cost to the budget: a limit is waited for there.
        """
        while True:
            if before is not None:
                before()
            began = time.monotonic()
            try:
                return attempt()
            except (SourceUnavailable, MalformedAnswer) as error:
                delay = self._delay_after(time.monotonic() - began)
                if delay is None:
                    raise
                log.warning("%s; next attempt in %.1f s", error, delay)
            self._sleep(delay)

    def _delay_after(self, spent: float) -> float | None:
        """Return how long to wait after an attempt that failed in `spent` seconds; None when the budget is used up."""
        delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2**self._failures) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
        self._failures += 1
        self.left -= spent + delay
        return delay if self.left >= 0 else None


class Transport:
    """Sends requests to one server.

    :param busy: statuses by which it says that it was asked too often.
    """

    def __init__(self, address: Address, busy: Collection[int] = ()) -> None:
        self.address = address
        self._busy = frozenset(busy)

    def body(self, method: str, path: str, what: str, seconds: float = 0.0, **request: Any) -> bytes:
        """Send one request and return the body of a 200.

        What requests raises holds the request, and so perhaps a token: only its class's name leaves this method.

        :param what: is asked for; messages begin with it.
        :param seconds: for the whole answer, but at least as many as one read may take.
        :param request: further arguments of ``requests.request``.
        :raises RateLimited: by a status that says so.
        :raises SourceUnavailable: anything else than a 200.
        """
        deadline = time.monotonic() + max(seconds, self.address.timeouts[1])
        try:
            with self._session.request(
                method, self.address.url + path, timeout=self.address.timeouts, allow_redirects=False, stream=True,
                **request,
            ) as answer:  # fmt: skip
                if answer.status_code == 200:
                    return _read(answer, deadline)
                status, trouble = answer.status_code, f"HTTP {answer.status_code}"
        except (requests.RequestException, HTTPError) as error:
            status, trouble = 0, _describe(error)
        message = f"{what}: no answer from {self.address.url}{path} ({trouble})"
        raise RateLimited(message) if status in self._busy else SourceUnavailable(message)

    @cached_property
    def _session(self) -> requests.Session:
        return self.address.route.session()

    def close(self) -> None:
        """Close pooled connections; the next request opens new ones."""
        session = self.__dict__.pop("_session", None)
        if session is not None:
            session.close()


def _read(answer: requests.Response, deadline: float) -> bytes:
    """Read an answer to its end: the time-out of a read begins anew with each byte that a slow server lets through.

    :param deadline: of the monotonic clock.
    """
    parts = []
    while part := answer.raw.read1(PART_BYTES, decode_content=True):
        if time.monotonic() > deadline:
            raise requests.ReadTimeout
        parts.append(part)
    return b"".join(parts)


def _describe(error: Exception) -> str:
    """Name a failure by its class alone, or say what to do about it."""
    if (known := trouble_on_the_way(error)) is not None:
        return known
    if isinstance(error, requests.ConnectTimeout):
        return "connect time-out"
    if isinstance(error, requests.ReadTimeout | ReadTimeoutError):
        return "read time-out"
    return type(error).__name__
