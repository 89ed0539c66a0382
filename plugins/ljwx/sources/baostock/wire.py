"""BaoStock's protocol: requests into bytes, answers into tables, error codes into exceptions.

No document describes it. What is said here was read in the package `baostock` 0.9.4 and in public recordings. A message
is a head of 21 bytes, ``version \\x01 type \\x01 length of the body``, a body of parts with \\x01 between, and behind
another \\x01 its CRC32. A request ends with a line feed, an answer with ``<![CDATA[]]>`` and one.

The body of some answers is zlib's, which has a checksum of its own; their CRC32 is not looked at, because no recording
shows what it is of. The length counts bytes in some answers and characters in others.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ljwx.exceptions import (
    BadQuery,
    BadToken,
    MalformedAnswer,
    NoPermission,
    RateLimited,
    SourceError,
    SourceUnavailable,
)
from ljwx.sources.rows import Table

VERSION = "00.9.40"
SPLIT = "\x01"
HEAD_BYTES = 21
END = b"<![CDATA[]]>\n"
PAGE_ROWS = 2000
MOST_BYTES = 64 * 2**20
"""Of an answer, before and after it is unpacked; the whole market's day is about one MiB."""
HOUR = 3600.0

_HEAD = re.compile(rb"[\d.]{7}\x01([0-9A-Z]{2})\x01(\d{10})")
_FAILED = "04"
_PACKED = frozenset({"96", "99", "9B", "9D"})


@dataclass(frozen=True)
class Query:
    """One kind of question.

    :param kind: message type of the request; ``answer``: of its answer.
    :param rows_at: which part of the answer has the rows, as JSON; ``fields_at``: which one names their columns.
    :param columns: those that are needed, whatever their order.
    :param paged: whether the answer comes in pages of ``PAGE_ROWS``.
    :param beside: columns that are taken too; where the answer has not each of them once, all are null.
    """

    name: str
    kind: str
    answer: str
    rows_at: int
    fields_at: int
    columns: tuple[str, ...]
    paged: bool = True
    beside: tuple[str, ...] = ()

    @property
    def taken(self) -> tuple[str, ...]:
        """The columns of a table of rows."""
        return (*self.columns, *self.beside)


DAILY = Query(
    "query_daily_history_k_AStock", "98", "99", 4, 5,
    ("date", "code", "open", "high", "low", "close", "preclose", "volume", "amount", "tradestatus", "pctChg", "isST"),
    paged=False, beside=("turn", "peTTM", "pbMRQ", "psTTM"),
)  # fmt: skip
LEVELS = Query(
    "query_history_k_data_plus", "95", "96", 6, 8,
    ("date", "code", "open", "high", "low", "close", "preclose", "pctChg"),
)  # fmt: skip
TRADE_DATES = Query("query_trade_dates", "33", "34", 6, 9, ("calendar_date", "is_trading_day"))
STOCK_BASIC = Query(
    "query_stock_basic", "45", "46", 6, 9, ("code", "code_name", "ipoDate", "outDate", "type", "status")
)  # fmt: skip
INDUSTRIES = Query("query_stock_industry", "59", "60", 6, 9, ("code", "industry"))
LOGIN, LOGGED_IN = "00", "01"
LOGOUT, LOGGED_OUT = "02", "03"


class LoginLost(SourceUnavailable):
    """The server does not know this connection as logged in, or not any more."""


def message(kind: str, *parts: object) -> bytes:
    """Write a request."""
    body = SPLIT.join(str(part) for part in parts)
    text = f"{VERSION}{SPLIT}{kind}{SPLIT}{len(body):010d}{body}".encode()
    return text + f"{SPLIT}{zlib.crc32(text)}\n".encode()


def is_whole(what: str, answer: bytes | bytearray) -> bool:
    """Say whether an answer has come to its end.

    :raises MalformedAnswer: it does not begin as an answer does, or has no end.
    """
    if len(answer) > MOST_BYTES:
        raise MalformedAnswer(f"{what}: the answer has more than {MOST_BYTES} bytes and no end")
    if len(answer) < HEAD_BYTES:
        return False
    kind, length = _head(what, answer)
    least = HEAD_BYTES + (length if kind in _PACKED else 0) + len(END)
    return len(answer) >= least and answer.endswith(END)


def read_parts(what: str, answer: bytes, kind: str) -> list[str]:
    """Check an answer that is whole, and return the parts of its body.

    :param kind: the message type that it should have.
    :raises MalformedAnswer: it is not what the protocol promises.
    :raises SourceError: the server reports an error.
    """
    came, length = _head(what, answer)
    parts = _body(what, answer, came, length).split(SPLIT)
    if parts[0] != "0" and re.fullmatch(r"\d{8}", parts[0]):
        raise classify(what, parts[0], parts[1] if len(parts) > 1 else "")
    if came in (_FAILED, kind) and parts[0] == "0" and came == kind:
        return parts
    raise MalformedAnswer(f"{what}: the answer is of type {came} where {kind} was asked for, or says neither 0 nor why")


def read_table(query: Query, parts: Sequence[str]) -> Table:
    """Return the rows of an answer in the columns that are taken, in this order.

    :raises MalformedAnswer: a column is missing, a row has more or fewer values than there are columns, or a page more
        rows than it can have.
    """
    name = query.name
    if len(parts) <= max(query.rows_at, query.fields_at) or parts[2] != name:
        raise MalformedAnswer(f"{name}: the answer has no rows and columns, or is one to another query")
    rows, fields = _rows(name, parts[query.rows_at]), [each.strip() for each in parts[query.fields_at].split(",")]
    if not rows and fields == [""]:
        return Table(query.taken, [], name)
    missing = [column for column in query.columns if fields.count(column) != 1]
    if missing:
        raise MalformedAnswer(
            f"{name}: column {missing[0]} is not there once; the answer has {', '.join(fields)[:200]}"
        )
    for number, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(fields):
            raise MalformedAnswer(f"{name}: row {number} has not {len(fields)} values")
    if query.paged and len(rows) > PAGE_ROWS:
        raise MalformedAnswer(f"{name}: a page of {len(rows)} rows where {PAGE_ROWS} are the most")
    beside = query.beside if all(fields.count(column) == 1 for column in query.beside) else ()
    places = [fields.index(column) for column in (*query.columns, *beside)]
    absent = [None] * (len(query.taken) - len(places))
    return Table(query.taken, [[*(_text(row[at]) for at in places), *absent] for row in rows], name)


def classify(what: str, code: str, said: str) -> SourceError:
    """Turn an error code of the package's list into the exception that says what to do."""
    text = f"{what}: the server says {said[:200]!r} (code {code})"
    if code == "10001001":
        return LoginLost(text)
    if code == "10001011":
        return NoPermission(f"{text}: it has banned this address. Ask nothing for a day; then one connection at a time")
    if code == "10001004":
        return NoPermission(f"{text}: it takes this version of the protocol ({VERSION}) no more")
    if code == "10001005":
        return RateLimited(f"{text}: too many logins of this address or key", "hour", HOUR)
    if code == "10001006":
        return NoPermission(text)
    if code.startswith("10001"):
        return BadToken(f"{text}: the login is refused; leave the password empty, or put a valid API key into it")
    if code.startswith("10004") and code > "10004004":
        return BadQuery(text)
    return SourceUnavailable(text)


def _head(what: str, answer: bytes | bytearray) -> tuple[str, int]:
    found = _HEAD.fullmatch(answer[:HEAD_BYTES])
    if found is None:
        raise MalformedAnswer(f"{what}: the answer does not begin with a head: is this BaoStock's server?")
    return found[1].decode(), int(found[2])


def _body(what: str, answer: bytes, kind: str, length: int) -> str:
    """Return the body as text."""
    if kind in _PACKED:
        body = _unpacked(what, answer[HEAD_BYTES : HEAD_BYTES + length])
    else:
        body, _, checksum = answer[HEAD_BYTES : -len(END)].rpartition(SPLIT.encode())
        if checksum != str(zlib.crc32(answer[:HEAD_BYTES] + body)).encode():
            raise MalformedAnswer(f"{what}: the answer's checksum is wrong")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise MalformedAnswer(f"{what}: the answer is not UTF-8") from None
    if kind not in _PACKED and length not in (len(body), len(text)):
        raise MalformedAnswer(f"{what}: the answer is cut short: {len(body)} of {length} bytes")
    return text


def _unpacked(what: str, body: bytes) -> bytes:
    unpacking = zlib.decompressobj()
    try:
        found = unpacking.decompress(body, MOST_BYTES)
    except zlib.error:
        raise MalformedAnswer(f"{what}: the answer cannot be unpacked") from None
    if not unpacking.eof:
        raise MalformedAnswer(f"{what}: the packed answer is cut short, or has more than {MOST_BYTES} bytes")
    return found


def _rows(name: str, text: str) -> list[Any]:
    if not text.strip():
        return []
    try:
        found = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        found = None
    rows = found.get("record") if isinstance(found, dict) else None
    if not isinstance(rows, list):
        raise MalformedAnswer(f"{name}: the rows are not JSON with a list `record`")
    return rows


def _text(value: Any) -> str | None:
    """Return a value as text; an empty one is none."""
    return None if value is None or value == "" else str(value)
