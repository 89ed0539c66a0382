"""Ollama's HTTP: the connection's settings, one pooled session, and what each way of failing means."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from ljwx.exceptions import (
    ConfigurationError,
    ModelMissing,
    OllamaError,
    OllamaTimeout,
    OllamaUnreachable,
    PromptTooLong,
    RefusedRequest,
)
from ljwx.network import ROUTE_EXTRAS, SCHEMES, Route, read_route, require_known, trouble_on_the_way
from ljwx.sources.addresses import HttpAddress, read_http_address

_PORTS = {"http": 11434, "https": 443}
"""Ollama itself speaks no TLS: what does stands before it, as a rule on the port of https."""
TIMEOUTS = ("connect_timeout", "read_timeout", "chat_timeout", "build_timeout")
PARALLEL = "parallel"
EXTRAS = ROUTE_EXTRAS | set(TIMEOUTS) | {PARALLEL}
MOST_PARALLEL = 256
_MOST_BYTES = 64 << 20
"""Of one JSON answer; a longest answer with 20 alternatives a token is some 20 MB."""

_REFUSED_WITH_500 = ("invalid format", 'option "')
"""How the server begins to say that a request is wrong, with a status that says that it has failed itself."""

Read = TypeVar("Read")


@dataclass(frozen=True)
class OllamaSettings:
    """Where the server is and how long to wait for it, in seconds, read from a connection.

    :param authorization: the header of that name.
    :param read_timeout: for quick answers: lists, show, copy, delete.
    :param chat_timeout: for an answer, or the next piece of a streamed one; a cold model loads within it too.
    :param build_timeout: for the next line of a create's or pull's progress, or a blob's acknowledgement.
    :param route: the certificates that are trusted, and the proxy.
    :param parallel: requests that the server answers at a time, its OLLAMA_NUM_PARALLEL, which it tells nobody.
    """

    url: str
    authorization: str | None = field(repr=False)
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    chat_timeout: float = 600.0
    build_timeout: float = 900.0
    route: Route = field(default_factory=Route)
    parallel: int = 1

    @classmethod
    def from_connection(cls, connection: Any) -> OllamaSettings:
        """Read a connection of type `ollama` or `generic`; ConfigurationError names what is wrong with it."""
        name, extra = connection.conn_id, connection.extra_dejson
        require_known(name, extra, EXTRAS)
        try:
            address = read_http_address(connection.host or "", connection.schema, connection.port, _PORTS)
            authorization = _authorization(address, connection.login, connection.password)
        except ValueError as error:
            raise ConfigurationError(f"connection {name!r}: {error}") from None
        route = read_route(name, extra, address.url)
        parallel = _parallel(name, extra.get(PARALLEL))
        return cls(address.url, authorization, **_timeouts(name, extra), route=route, parallel=parallel)


def _authorization(address: HttpAddress, login: str | None, password: str | None) -> str | None:
    """Return the header: a user and a password are basic authentication, a password alone is a bearer token.

    :raises ValueError: there are two of them, or a token that no header can hold; the text quotes neither.
    """
    inside, beside = (address.user, address.password), (login or None, password or None)
    if any(inside) and any(beside):
        raise ValueError("user and password stand before its host and in its fields too: leave one of them out")
    user, secret = inside if any(inside) else beside
    if user is not None:
        both = f"{user}:{secret or ''}"
        return f"Basic {b64encode(both.encode()).decode()}"
    token = (secret or "").strip()
    if not (token.isascii() and token.isprintable()):
        raise ValueError("its password without a user is a bearer token, and holds what no token can")
    return f"Bearer {token}" if token else None


def _timeouts(name: str, extra: Mapping[str, Any]) -> dict[str, float]:
    given = {key: extra[key] for key in TIMEOUTS if extra.get(key) not in (None, "")}
    try:
        seconds = {key: float(value) for key, value in given.items()}
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"connection {name!r}: time-outs are numbers of seconds, not {given}") from error
    if not all(0 < value < float("inf") for value in seconds.values()):
        raise ConfigurationError(f"connection {name!r}: time-outs are above 0 seconds, not {given}")
    return seconds


def _parallel(name: str, given: Any) -> int:
    if given in (None, ""):
        return 1
    if not str(given).isdecimal() or not 1 <= int(given) <= MOST_PARALLEL:
        raise ConfigurationError(
            f"connection {name!r}: {PARALLEL} is a whole number from 1 to {MOST_PARALLEL}, not {given!r}"
        )
    return int(given)


class OllamaWire:
    """Requests to one server over one pooled session."""

    def __init__(self, settings: OllamaSettings) -> None:
        self._settings = settings
        self._open: set[requests.Response] = set()
        self._hung_up = False
        self.session = settings.route.session()
        for scheme in SCHEMES:
            self.session.mount(f"{scheme}://", HTTPAdapter(pool_maxsize=max(32, settings.parallel)))
        if settings.authorization:
            self.session.headers["Authorization"] = settings.authorization

    def lines(
        self,
        path: str,
        body: Mapping[str, Any],
        timeout: float,
        failed: Callable[[str], OllamaError] | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Yield the lines of a streamed answer; `failed` chooses the exception for an error line.

        A stream that ends without its last line (`done` or `success`) is OllamaUnreachable.
        """
        finished = False
        with self._streamed(path, body, timeout) as answer, _transport(self._settings.url):
            for text in answer.iter_lines(chunk_size=None):
                line = _decoded(text)
                if "error" in line:
                    raise (failed or _broken)(str(line["error"]))
                finished = line.get("done") is True or line.get("status") == "success"
                yield line
        if not finished:
            raise OllamaUnreachable(f"{self._settings.url}{path} ended before its last line")

    @contextmanager
    def _streamed(self, path: str, body: Mapping[str, Any], timeout: float) -> Iterator[requests.Response]:
        with self.request("POST", path, body, stream=True, timeout=timeout) as answer:
            self._open.add(answer)
            try:
                if self._hung_up:
                    raise OllamaUnreachable(f"{path} was broken off from this side")
                yield answer
            finally:
                self._open.discard(answer)

    def hang_up(self) -> None:
        """Break off every streamed answer, from any thread; one that has not begun is broken off when it begins."""
        self._hung_up = True
        for answer in list(self._open):
            with suppress(ValueError, OSError):  # it has ended by itself
                answer.raw.shutdown()

    def json(
        self,
        method: str,
        path: str,
        read: Callable[[dict[str, Any]], Read],
        body: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> Read:
        """Return what `read` makes of a JSON answer; an error in it counts although the status says success."""
        with self.request(method, path, body, stream=True, timeout=timeout) as answer:
            with _transport(self._settings.url):
                line = _decoded(_content(answer))
            if "error" in line:
                raise _broken(str(line["error"]))
            return self.read(path, line, read)

    def read(self, path: str, line: dict[str, Any], read: Callable[[dict[str, Any]], Read]) -> Read:
        """Return what `read` makes of a line; what it cannot read is no answer, and OllamaUnreachable."""
        try:
            return read(line)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            what = f"{type(error).__name__}: {error}"
            raise OllamaUnreachable(f"{self._settings.url}{path} answered otherwise than Ollama ({what})") from error

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        data: Any = None,
        stream: bool = False,
        timeout: float | None = None,
    ) -> requests.Response:
        """Send a request and return its successful answer; `timeout` is seconds to wait for the next byte."""
        waits = (self._settings.connect_timeout, timeout or self._settings.read_timeout)
        with _transport(self._settings.url):
            answer = self.session.request(
                method, self._settings.url + path, json=body, data=data, stream=stream, timeout=waits,
                allow_redirects=False,
            )  # fmt: skip
            if answer.status_code // 100 != 2:
                raise _failure(answer.status_code, _error_text(answer))
        return answer


@contextmanager
def _transport(url: str) -> Iterator[None]:
    """Turn what requests raises into our own errors, and what it lets through from the library below it.

    A time-out while reading a body hides in a ConnectionError.
    """
    try:
        yield
    except requests.ConnectTimeout as error:
        raise OllamaUnreachable(f"no connection to {url} in time; is the server running?") from error
    except (requests.RequestException, HTTPError) as error:
        if isinstance(error, requests.ReadTimeout) or "Read timed out" in str(error):
            raise OllamaTimeout(f"{url} did not answer in time") from error
        known = trouble_on_the_way(error) or f"{type(error).__name__}; is it running?"
        raise OllamaUnreachable(f"no complete answer from {url}: {known}") from error


def _failure(status: int, message: str) -> OllamaError:
    """Choose the exception for an error answer; the only place that reads the server's texts."""
    if "exceed_context_size" in message or "exceeds the context length" in message:
        return PromptTooLong(message)
    if status == 404 or (message.startswith("model ") and message.endswith("not found")):
        return ModelMissing(message)
    if status in (408, 504):
        return OllamaTimeout(message)
    if status >= 500 and status != 501 and not message.startswith(_REFUSED_WITH_500):
        return OllamaUnreachable(f"the server failed: {message}")
    return RefusedRequest(message)


def _error_text(answer: requests.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {answer.status_code} {answer.text[:200]}".strip()


def _content(answer: requests.Response) -> bytes:
    """Return the body, unless it does not end."""
    content = bytearray()
    for chunk in answer.iter_content(1 << 16):
        content += chunk
        if len(content) > _MOST_BYTES:
            raise OllamaUnreachable(f"{answer.url} answered more than {_MOST_BYTES >> 20} MB and did not end")
    return bytes(content)


def _decoded(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise OllamaUnreachable(f"an answer that is no JSON: {content[:100]!r}; is it an Ollama server?") from error
    if not isinstance(value, dict):
        raise OllamaUnreachable(f"an answer that is no JSON object: {content[:100]!r}")
    return value


def _broken(message: str) -> OllamaError:
    return _failure(500, message)
