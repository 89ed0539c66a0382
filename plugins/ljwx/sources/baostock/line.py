"""One TCP connection to BaoStock's server: an answer comes within its time-out, or an error does."""

from __future__ import annotations

import socket
import time

from ljwx.exceptions import SourceUnavailable
from ljwx.sources.baostock import wire
from ljwx.sources.baostock.endpoint import BaostockEndpoint

PART_BYTES = 65_536
ANYBODY, ANYBODYS = "anonymous", "123456"
"""The login of those without a key, as the package has it."""


class Line:
    """A connection that is open and logged in.

    :raises SourceUnavailable: there is no server, or it closes the connection.
    :raises SourceError: the login is refused.
    """

    def __init__(self, endpoint: BaostockEndpoint) -> None:
        self._endpoint = endpoint
        try:
            self._socket = socket.create_connection((endpoint.host, endpoint.port), timeout=endpoint.timeouts[0])
        except OSError as error:
            raise SourceUnavailable(f"no connection to {endpoint.place} ({_reason(error)})") from None
        try:
            self.ask("login", wire.LOGIN, wire.LOGGED_IN, "login", ANYBODY, ANYBODYS, endpoint.key or "0")
        except BaseException:
            self.drop()
            raise

    def ask(self, what: str, kind: str, answer: str, *parts: object) -> list[str]:
        """Send a request and return the parts of its answer.

        :param what: is asked for; messages begin with it.
        :raises SourceUnavailable: no whole answer within the time-out, or the connection is closed.
        :raises MalformedAnswer: an answer that cannot be believed.
        :raises SourceError: as the server says.
        """
        deadline = time.monotonic() + self._endpoint.timeouts[1]
        try:
            self._socket.settimeout(self._endpoint.timeouts[1])
            self._socket.sendall(wire.message(kind, *parts))
            came = self._receive(what, deadline)
        except OSError as error:
            raise SourceUnavailable(f"{what}: no answer from {self._endpoint.place} ({_reason(error)})") from None
        return wire.read_parts(what, came, answer)

    def _receive(self, what: str, deadline: float) -> bytes:
        came = bytearray()
        while not wire.is_whole(what, came):
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(left)
            part = self._socket.recv(PART_BYTES)
            if not part:
                where = f"after {len(came)} bytes of an answer" if came else "without an answer"
                raise ConnectionResetError(f"closed {where}")
            came += part
        return bytes(came)

    def leave(self) -> None:
        """Log out and close; a server that does not say goodbye is no trouble."""
        try:
            self._socket.settimeout(min(2.0, self._endpoint.timeouts[1]))
            self._socket.sendall(wire.message(wire.LOGOUT, "logout", ANYBODY, time.strftime("%Y%m%d%H%M%S")))
            self._socket.recv(PART_BYTES)
        except OSError:
            pass
        finally:
            self.drop()

    def drop(self) -> None:
        """Close without a word."""
        self._socket.close()


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "time-out"
    return error.strerror or str(error) or type(error).__name__
