"""The protocol from the server's side: requests read, answers written.

As in the package `baostock` 0.9.4 and in public recordings: the CRC32 of head and body is behind the body as a number,
the length of an answer counts characters, and an unknown type of message is answered with type 04. What the CRC32 of a
packed answer is of is not recorded; here it is of what is sent.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

SPLIT = "\x01"
HEAD_CHARACTERS = 21
END = b"<![CDATA[]]>\n"
VERSION = "00.9.00"
FAILED = "04"
PACKED = frozenset({"96", "99"})


@dataclass(frozen=True)
class Request:
    """A request: message type, and the parts of its body."""

    kind: str
    parts: tuple[str, ...]

    @property
    def method(self) -> str:
        """Return what is asked for."""
        return self.parts[0]

    def part(self, at: int) -> str:
        """Return a part; an absent one is empty."""
        return self.parts[at] if at < len(self.parts) else ""


class ProtocolError(Exception):
    """An error code and what is said with it."""

    def __init__(self, code: str, said: str) -> None:
        super().__init__(said)
        self.code = code
        self.said = said


def read_request(line: bytes) -> Request:
    """Read a line without its end.

    :raises ProtocolError: it is no request, or its checksum is wrong.
    """
    text, _, checksum = line.rpartition(SPLIT.encode())
    if not text or checksum != str(zlib.crc32(text)).encode():
        raise ProtocolError("10004019", "消息格式不正确")
    head = text[:HEAD_CHARACTERS].decode("ascii", "replace").split(SPLIT)
    body = text[HEAD_CHARACTERS:].decode("utf-8", "replace")
    if len(head) != 3 or not head[2].isdigit() or int(head[2]) != len(body):
        raise ProtocolError("10004019", "消息格式不正确")
    return Request(head[1], tuple(body.split(SPLIT)))


def answer(kind: str, *parts: str) -> bytes:
    """Write an answer."""
    text = SPLIT.join(parts)
    body = zlib.compress(text.encode()) if kind in PACKED else text.encode()
    length = len(body) if kind in PACKED else len(text)
    sent = f"{VERSION}{SPLIT}{kind}{SPLIT}{length:010d}".encode() + body
    return sent + f"{SPLIT}{zlib.crc32(sent)}".encode() + END


def failure(error: ProtocolError, kind: str = FAILED) -> bytes:
    """Write an answer that reports an error."""
    return answer(kind, error.code, error.said)


def record(rows: Sequence[Sequence[str]]) -> str:
    """Write rows as the JSON that the package reads."""
    return '{"record":[' + ",".join("[" + ",".join(_quoted(each) for each in row) + "]" for row in rows) + "]}"


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
