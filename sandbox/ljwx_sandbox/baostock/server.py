"""The server: one thread a connection, login first, faults as TuShare's side has them."""

from __future__ import annotations

import socketserver
import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime

from ljwx_sandbox.baostock import wire
from ljwx_sandbox.baostock.tables import TABLES, Told
from ljwx_sandbox.tushare.faults import ROWS, Fault, FaultBook, spoil
from ljwx_sandbox.tushare.interfaces import Source

BANNED = wire.ProtocolError("10001011", "黑名单用户")
LOGGED_OUT = wire.ProtocolError("10001001", "you don't login.")
REFUSED = wire.ProtocolError("10001002", "用户名或密码错误")
UNKNOWN = wire.ProtocolError("10004020", "错误的消息类型")
_REPORTED = {"banned": BANNED, "login_refused": REFUSED, "not_logged_in": LOGGED_OUT}
_POLL_SECONDS = 0.05


@dataclass
class Seen:
    """What the server has seen.

    :param most: connections that were logged in at a time.
    """

    calls: Counter[str] = field(default_factory=Counter)
    here: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def told(self) -> dict[str, object]:
        """Return it for the control route."""
        return {"calls": dict(self.calls), "most_at_a_time": self.most}

    def login(self) -> None:
        """Count one more."""
        with self.lock:
            self.here += 1
            self.most = max(self.most, self.here)

    def logout(self) -> None:
        """Count one less."""
        with self.lock:
            self.here -= 1


class BaostockServer(socketserver.ThreadingTCPServer):
    """Answers requests from a source's rows."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], source: Source, faults: FaultBook) -> None:
        super().__init__(address, _Handler)
        self.source = source
        self.faults = faults
        self.seen = Seen()

    def begin(self) -> int:
        """Serve in a thread of its own; return the port."""
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return int(self.server_address[1])


class _Handler(socketserver.StreamRequestHandler):
    server: BaostockServer

    def setup(self) -> None:
        super().setup()
        self.user: str | None = None

    def handle(self) -> None:
        try:
            while line := self.rfile.readline(65_536):
                if not self._answer(line.rstrip(b"\n")):
                    return
        except OSError:
            return

    def finish(self) -> None:
        if self.user is not None:
            self.server.seen.logout()
        super().finish()

    def _answer(self, line: bytes) -> bool:
        """Answer one request; say whether the connection goes on."""
        try:
            request = wire.read_request(line)
        except wire.ProtocolError as error:
            return self._send(wire.failure(error))
        self.server.seen.calls[request.method] += 1
        fault = self.server.faults.take(request.method)
        try:
            if fault is not None and fault.kind in _REPORTED:
                if fault.kind == "not_logged_in":
                    self._leave()
                raise _REPORTED[fault.kind]
            told = self._told(request, fault)
        except wire.ProtocolError as error:
            return self._send(wire.failure(error))
        return self._send(told) if fault is None or fault.kind in ROWS | {"shuffled"} else self._spoilt(fault, told)

    def _told(self, request: wire.Request, fault: Fault | None) -> bytes:
        if request.kind == "00":
            return self._login(request)
        if request.kind == "02":
            self._leave()
            return wire.answer("03", "0", "success", "logout", request.part(1))
        if request.kind not in TABLES:
            raise UNKNOWN
        if self.user is None:
            raise LOGGED_OUT
        kind, paged, table = TABLES[request.kind]
        told = _as_the_fault_says(table(self.server.source, request), fault)
        said = ["0", "success", request.method, self.user]
        fields = ",".join(told.fields)
        if not paged:
            return wire.answer(kind, *said, wire.record(told.rows), fields)
        page, size = int(request.part(2)), int(request.part(3))
        rows = told.rows[(page - 1) * size : page * size]
        return wire.answer(kind, *said, str(page), str(size), wire.record(rows), *told.echo, fields, *told.after)

    def _login(self, request: wire.Request) -> bytes:
        known = request.part(3).startswith("bs-") or request.parts[1:3] == ("anonymous", "123456")
        if not known:
            raise REFUSED
        if self.user is None:
            self.server.seen.login()
        self.user = request.part(1)
        return wire.answer("01", "0", "success", "login", self.user, f"{datetime.now():%Y%m%d%H%M%S%f}"[:17])  # noqa: DTZ005 - a mark of the session

    def _leave(self) -> None:
        if self.user is not None:
            self.server.seen.logout()
        self.user = None

    def _send(self, message: bytes) -> bool:
        self.wfile.write(message)
        return True

    def _spoilt(self, fault: Fault, message: bytes) -> bool:
        """Answer as a fault of the wire says."""
        if fault.kind == "hang":
            until = time.monotonic() + fault.seconds
            while time.monotonic() < until and not self._is_gone():
                time.sleep(_POLL_SECONDS)
            return self._send(message)
        if fault.kind == "closed":
            return False
        if fault.kind == "dropped":
            self._send(message[: len(message) // 2])
            return False
        if fault.kind == "truncated":
            body = message.removesuffix(wire.END)
            return self._send(body[: len(body) // 2] + wire.END)
        if fault.kind == "bad_crc":
            at = 60 if len(message) > 120 else wire.HEAD_CHARACTERS + 3
            return self._send(message[:at] + bytes([message[at] ^ 1]) + message[at + 1 :])
        return self._send(fault.body.encode() if fault.kind == "literal" else b"HTTP/1.1 400 Bad Request\r\n\r\n")

    def _is_gone(self) -> bool:
        self.connection.setblocking(False)
        try:
            return bool(self.connection.recv(1) == b"")
        except BlockingIOError:
            return False
        finally:
            self.connection.setblocking(True)


def _as_the_fault_says(told: Told, fault: Fault | None) -> Told:
    if fault is None or fault.kind not in ROWS | {"shuffled"}:
        return told
    if fault.kind == "late":
        return replace(told, rows=[])
    if fault.kind == "shuffled":
        return replace(told, fields=told.fields[::-1], rows=[row[::-1] for row in told.rows])
    fields, rows = spoil(fault, told.fields, list(told.rows))
    texts = [tuple("" if value is None else str(value) for value in row) for row in rows]
    return replace(told, fields=fields, rows=texts)
