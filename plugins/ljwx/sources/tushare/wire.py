"""Reading TuShare's answers: envelopes into pages, error texts into exceptions."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone
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

Row = list[Any]
SHANGHAI = timezone(timedelta(hours=8))
_UNITS = {"分钟": "minute", "小时": "hour", "天": "day", "日": "day"}
_RATE = re.compile(r"频率超限|最多访问")
_RATE_UNIT = re.compile(r"(?:次/|每)(分钟|小时|天|日)")
_TROUBLE = re.compile(r"服务器错误|系统内部错误|系统未知错误|系统繁忙|稍后再试")
_REQUIRED = re.compile(r"必填|required", re.IGNORECASE)


@dataclass(frozen=True)
class Page:
    """One answer's rows, in the columns asked for."""

    fields: tuple[str, ...]
    rows: list[Row]
    has_more: bool

    @classmethod
    def of_text(cls, text: str) -> Page:
        """Read what ``as_text`` wrote."""
        fields, rows, has_more = json.loads(text)
        return cls(tuple(fields), rows, has_more)

    def as_text(self) -> str:
        """Write the page so that nothing is lost, NaN neither."""
        return json.dumps([self.fields, self.rows, self.has_more], ensure_ascii=False)


def read_page(api_name: str, body: bytes, asked: Sequence[str], token: str) -> Page:
    """Check an answer's body and return its rows; with nothing asked for, in the server's columns.

    :raises MalformedAnswer: it is not what the protocol promises.
    :raises SourceError: the server reports an error; its text is passed on without the token.
    """
    envelope = _object(api_name, body)
    code = envelope.get("code")
    if not isinstance(code, int) or isinstance(code, bool):
        raise MalformedAnswer(f"{api_name}: the answer has no code")
    if code != 0:
        message = str(envelope.get("msg") or "").replace(token, "***")
        raise classify(code, f"{api_name}: {message}")
    data = envelope.get("data")
    if not isinstance(data, dict):
        raise MalformedAnswer(f"{api_name}: the answer has no data")
    return _page(api_name, data, asked)


def _object(api_name: str, body: bytes) -> dict[str, Any]:
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError):
        envelope = None
    if not isinstance(envelope, dict):
        raise MalformedAnswer(f"{api_name}: the answer ({len(body)} bytes) is not a JSON object")
    return envelope


def _page(api_name: str, data: Mapping[str, Any], asked: Sequence[str]) -> Page:
    fields, items, has_more = data.get("fields"), data.get("items"), data.get("has_more", False)
    if not isinstance(fields, list) or not all(isinstance(name, str) for name in fields):
        raise MalformedAnswer(f"{api_name}: the answer has no fields")
    if not isinstance(items, list) or not isinstance(has_more, bool):
        raise MalformedAnswer(f"{api_name}: the answer has no items, or has_more is no truth value")
    for number, row in enumerate(items):
        if not isinstance(row, list) or len(row) != len(fields):
            raise MalformedAnswer(f"{api_name}: row {number} has not {len(fields)} values")
    missing = [name for name in asked if name not in fields]
    if missing:
        raise MalformedAnswer(f"{api_name}: column {missing[0]} was asked for and is missing")
    if has_more and not items:
        raise MalformedAnswer(f"{api_name}: an empty page says that more follow")
    wanted = tuple(asked) or tuple(fields)
    if list(wanted) != fields:
        places = [fields.index(name) for name in wanted]
        items = [[row[at] for at in places] for row in items]
    return Page(wanted, items, has_more)


def classify(code: int, msg: str, now: datetime | None = None) -> SourceError:
    """Turn a server's error into the exception that says what to do. Only this function reads message texts.

    Code 40203 means both "no permission" and "too often", and the older text for "too often" contains the word for
    permission: so the rate is looked for first. Several codes are not on record: text goes before code.

    :param now: when the answer came, for limits that end with the Shanghai day; the present if None.
    """
    text = f"{msg} (code {code})"
    if _RATE.search(msg):
        found = _RATE_UNIT.search(msg)
        unit = _UNITS[found.group(1)] if found else "minute"
        return RateLimited(text, unit, _wait(unit, now or datetime.now(SHANGHAI)))
    if _TROUBLE.search(msg):
        return SourceUnavailable(text)
    if _REQUIRED.search(msg) or "请指定正确的接口名" in msg:
        return BadQuery(text)
    if code == 40101 or "token不对" in msg:
        return BadToken(text)
    if code in (40203, -2002) or "权限" in msg or "IP数量超限" in msg:
        return NoPermission(text)
    if code == 50101:
        return BadQuery(text)
    return SourceUnavailable(text)


def _wait(unit: str, now: datetime) -> float:
    """Return seconds until the limit has room again; a few more than a minute, as its window is not documented."""
    if unit != "day":
        return {"minute": 65.0, "hour": 3600.0}[unit]
    here = now.astimezone(SHANGHAI)
    midnight = datetime.combine(here.date() + timedelta(days=1), time(), SHANGHAI)
    return (midnight - here).total_seconds()
