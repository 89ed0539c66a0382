"""TuShare's wire: requests in, envelopes out, and the texts of its errors."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

MAX_OFFSET = 100_000
UNRECORDED = -1
"""Stands for the code of a message whose real code nobody recorded."""
_DOC = "https://tushare.pro/document/1?doc_id=108"


class WireError(Exception):
    """A business error: HTTP 200 with a code that is not 0."""

    def __init__(self, code: int, msg: str) -> None:
        super().__init__(msg)
        self.code = code
        self.msg = msg


def bad_token() -> WireError:
    """Token unknown."""
    return WireError(40101, "您的token不对，请确认。")


def required(name: str) -> WireError:
    """A parameter that must be there is not."""
    return WireError(40101, f"必填参数, {name}")


def no_permission(api: str) -> WireError:
    """The tier does not carry the interface."""
    return WireError(40203, f"抱歉，您没有接口({api})访问权限，权限的具体详情访问：{_DOC}。")


def too_often(api: str, limit: str) -> WireError:
    """The limit is used up; `limit` reads like ``500次/分钟``."""
    return WireError(40203, f"抱歉，您访问接口({api})频率超限({limit})，具体频次详情：{_DOC}。")


def bad_query() -> WireError:
    """Parameters that make no query."""
    return WireError(50101, "查询数据失败，请确认参数！可以反馈管理员协助您排查问题")


def unknown_api() -> WireError:
    """No such interface."""
    return WireError(UNRECORDED, "请指定正确的接口名")


OTHER_ERRORS: dict[str, WireError] = {
    "server_error": WireError(UNRECORDED, "服务器错误，请稍后再试！如有疑问，请联系管理员。"),
    "system_error": WireError(UNRECORDED, "系统内部错误"),
    "unknown_error": WireError(UNRECORDED, "系统未知错误，请稍后再试。"),
    "ip_limit": WireError(UNRECORDED, "您的IP数量超限，最大数量为5个！"),
    "old_rate_limit": WireError(40203, f"抱歉，您每分钟最多访问该接口500次，权限的具体详情访问：{_DOC}。"),
    "old_hour_limit": WireError(40203, f"抱歉，您每小时最多访问该接口10次，权限的具体详情访问：{_DOC}。"),
    "hour_limit": WireError(40203, f"抱歉，您访问接口(daily)频率超限(10次/小时)，具体频次详情：{_DOC}。"),
    "old_no_permission": WireError(-2002, f"抱歉，您没有权限访问该接口，权限的具体详情访问：{_DOC}。"),
}
"""Errors that only a fault brings about, by the fault's name."""


@dataclass(frozen=True)
class Query:
    """The parameters that choose rows. Dates are ``YYYYMMDD``; "" leaves that side open."""

    codes: tuple[str, ...] = ()
    start: str = ""
    end: str = "99991231"
    given: Mapping[str, str] = field(default_factory=dict)
    offset: int = 0
    limit: int | None = None


@dataclass(frozen=True)
class Call:
    """One request as it came."""

    api: str
    token: str
    params: Mapping[str, str]
    fields: tuple[str, ...]


def read_call(body: bytes, api_in_path: str) -> Call:
    """Read a request; null, "" and unknown params do not count.

    :raises WireError: the body is not a request.
    """
    try:
        asked = msgspec.json.decode(body)
    except msgspec.DecodeError:
        raise bad_query() from None
    if not isinstance(asked, dict) or not isinstance(asked.get("params") or {}, dict):
        raise bad_query()
    params = {str(k): str(v) for k, v in (asked.get("params") or {}).items() if v is not None and v != ""}
    fields = asked.get("fields") or ""
    names = fields if isinstance(fields, list) else str(fields).split(",")
    api = api_in_path or str(asked.get("api_name") or "")
    wanted = tuple(name for name in (str(each).strip() for each in names) if name)
    return Call(api, str(asked.get("token") or ""), params, wanted)


def read_query(params: Mapping[str, str]) -> Query:
    """Turn params into a query.

    :raises WireError: a date that is none, a number that is none, an offset beyond 100,000.
    """
    day = _day(params, "trade_date")
    start = day or _day(params, "start_date")
    end = day or _day(params, "end_date") or "99991231"
    codes = tuple(code.strip().upper() for code in params.get("ts_code", "").split(",") if code.strip())
    offset, limit = _number(params, "offset"), _number(params, "limit")
    if (offset or 0) > MAX_OFFSET:
        raise bad_query()
    return Query(codes, start, end, params, offset or 0, limit)


def _day(params: Mapping[str, str], name: str) -> str:
    text = params.get(name, "")
    if not text:
        return ""
    try:
        datetime.strptime(text, "%Y%m%d")  # noqa: DTZ007 - a calendar day has no zone
    except ValueError:
        raise bad_query() from None
    return text


def _number(params: Mapping[str, str], name: str) -> int | None:
    text = params.get(name, "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit():
        raise bad_query()
    return int(text)


def success(fields: Sequence[str], rows: Sequence[Sequence[object]], has_more: bool) -> bytes:
    """Write the envelope of a result. `count` is 0 and `detail` three dots whatever the result, as observed."""
    data = {"fields": list(fields), "items": rows, "has_more": has_more, "count": 0}
    return _envelope(0, data, "", "...")


def failure(error: WireError) -> bytes:
    """Write the envelope of a business error.

    The observed error body has `msg` before `detail` and `data` null, like a success.
    """
    return _envelope(error.code, None, error.msg, "")


def _envelope(code: int, data: object, msg: str, detail: str) -> bytes:
    return msgspec.json.encode(
        {"request_id": str(uuid.uuid4()), "code": code, "data": data, "msg": msg, "detail": detail}
    )
