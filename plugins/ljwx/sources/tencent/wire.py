"""Reading the answers of Tencent's k-line endpoint, which no document describes.

What is said here of the wire was read in public recordings and in programs that ran against it; the request is the one
that tushare's ``get_k_data`` sent. A row is ``[date, open, close, high, low, volume]``, all strings, the close before
the high. On ex-right days a seventh element follows, ``{"nd", "fh_sh", "djr", "cqr", "FHcontent": "10派2.36元"}``; in
some recordings it is a list, or empty, and more elements follow it, which are not read: their meaning differs.
``prec`` is not read either: in some recordings it is the close before the first row, in others the quote's.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from ljwx.exceptions import BadQuery, MalformedAnswer

SYMBOL = re.compile(r"\d{6}\.(SH|SZ|BJ)")
PRICES = ("open", "close", "high", "low")
_WIDTH = 6
_QUOTE_TIME, _QUOTE_TRADES = 30, 35
_SHARES, _LOTS = 1.0, 100.0

Value = float | str | None


@dataclass(frozen=True)
class KRow:
    """One bar as it came: a text that is no number stays a text.

    :param values: open, close, high, low in CNY, and the volume in the unit of ``KLine.shares_per_unit``.
    :param announced: the ex-rights of the day: ``FHcontent`` and ``fh_sh`` of each.
    """

    session: date
    values: tuple[Value, ...]
    announced: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class KLine:
    """One answer.

    :param rows: in time order, one a day.
    :param quoted_at: Shanghai time of the quote in the same answer; None without one.
    :param shares_per_unit: of volumes.
    """

    rows: tuple[KRow, ...]
    quoted_at: datetime | None
    shares_per_unit: float


def to_symbol(ts_code: str) -> str:
    """Turn ``000001.SZ`` into ``sz000001``.

    :raises BadQuery: it is no such code.
    """
    if not SYMBOL.fullmatch(ts_code):
        raise BadQuery(f"{ts_code!r} is not a stock code such as 000001.SZ")
    return ts_code[-2:].lower() + ts_code[:6]


def read_kline(ts_code: str, body: bytes) -> KLine:
    """Check an answer's body and return its bars.

    :raises BadQuery: the server rejects the request, or does not know the stock.
    :raises MalformedAnswer: it is not what the endpoint is known to answer.
    """
    node = _node(ts_code, body)
    items = node.get("day")
    if not isinstance(items, list):
        raise MalformedAnswer(f"{ts_code}: the answer has no unadjusted daily rows")
    rows = tuple(_row(ts_code, item) for item in items)
    days = [row.session for row in rows]
    if any(later <= earlier for earlier, later in pairwise(days)):
        raise MalformedAnswer(f"{ts_code}: the days of the answer are not in order")
    quote = _quote(ts_code, node)
    return KLine(rows, _quoted_at(quote), _shares_per_unit(ts_code, quote))


def _node(ts_code: str, body: bytes) -> Mapping[str, Any]:
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError):
        envelope = None
    if not isinstance(envelope, dict):
        raise MalformedAnswer(f"{ts_code}: the answer ({len(body)} bytes) is not a JSON object")
    if envelope.get("code") != 0:
        raise BadQuery(f"{ts_code}: the server says {str(envelope.get('msg'))[:100]!r} (code {envelope.get('code')!r})")
    data = envelope.get("data")
    # Empty things come as lists: the server is not strict about an object without members.
    if data == [] or (isinstance(data, dict) and data.get(to_symbol(ts_code)) in (None, [], {})):
        raise BadQuery(f"{ts_code}: the server does not know this stock")
    node = data.get(to_symbol(ts_code)) if isinstance(data, dict) else None
    if not isinstance(node, dict):
        raise MalformedAnswer(f"{ts_code}: the answer has no data")
    return node


def _row(ts_code: str, item: Any) -> KRow:
    if not isinstance(item, list) or len(item) < _WIDTH:
        raise MalformedAnswer(f"{ts_code}: a row has not {_WIDTH} values")
    try:
        session = datetime.strptime(item[0], "%Y-%m-%d").date()  # noqa: DTZ007 - a calendar day has no zone
    except (TypeError, ValueError):
        raise MalformedAnswer(f"{ts_code}: a row's first value is not a date") from None
    values = tuple(_value(each) for each in item[1:_WIDTH])
    return KRow(session, values, _announced(session, item[_WIDTH:]))


def _value(given: Any) -> Value:
    try:
        number = float(given)
    except (TypeError, ValueError):
        return None if given is None else str(given)
    return number if math.isfinite(number) else str(given)


def _announced(session: date, rest: Sequence[Any]) -> tuple[tuple[str, str], ...]:
    """Return the events of the seventh element; one that names another day says so in its text."""
    events = rest[0] if rest and isinstance(rest[0], list) else rest[:1]
    found = []
    for event in events:
        if not isinstance(event, dict) or not event:
            continue
        text, day = str(event.get("FHcontent") or ""), str(event.get("cqr") or session)
        found.append((text if day == str(session) else f"{text} on {day}", str(event.get("fh_sh") or "")))
    return tuple(found)


def _quote(ts_code: str, node: Mapping[str, Any]) -> Sequence[Any]:
    quotes = node.get("qt")
    quote = quotes.get(to_symbol(ts_code)) if isinstance(quotes, dict) else None
    return quote if isinstance(quote, list) and len(quote) > _QUOTE_TRADES else ()


def _quoted_at(quote: Sequence[Any]) -> datetime | None:
    try:
        return datetime.strptime(quote[_QUOTE_TIME], "%Y%m%d%H%M%S")  # noqa: DTZ007 - Shanghai time throughout
    except (IndexError, TypeError, ValueError):
        return None


def _shares_per_unit(ts_code: str, quote: Sequence[Any]) -> float:
    """Return how many shares a volume of 1 is: 100, and 1 on the STAR market.

    Programs that compared it with another source say so (617 of 617 STAR stocks, none of 4,939 others). The quote in
    the answer, ``price/volume/amount``, bears witness.

    :raises MalformedAnswer: the quote says that it is no longer so.
    """
    known = _SHARES if ts_code.startswith(("688", "689")) else _LOTS
    try:
        price, volume, amount = (float(part) for part in str(quote[_QUOTE_TRADES]).split("/"))
    except (IndexError, ValueError):
        return known
    if volume > 0 and price > 0 and amount > 0:
        quoted = _LOTS if amount / (volume * price) > math.sqrt(_LOTS) else _SHARES
        if quoted != known:
            raise MalformedAnswer(f"{ts_code}: volumes are of {quoted:.0f} shares, and {known:.0f} were expected")
    return known
