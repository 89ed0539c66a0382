"""The rows of each query, as texts in BaoStock's columns, over the same market as TuShare's interfaces.

The real server has neither the Beijing exchange nor B-shares; a stock that did not trade has a row without volume, with
the close before in all its prices. Amounts have the fen that TuShare rounds away.
Securities that are no stocks stand among them in the list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from ljwx_sandbox.baostock.wire import ProtocolError, Request
from ljwx_sandbox.tushare.interfaces import Source
from ljwx_sandbox.tushare.wire import Query
from ljwx_sandbox.tushare.year import INDEXES

Rows = list[tuple[str, ...]]
DAILY_FIELDS = (
    "date", "code", "open", "high", "low", "close", "preclose", "volume", "amount", "adjustflag", "turn", "tradestatus",
    "pctChg", "peTTM", "pbMRQ", "psTTM", "pcfNcfTTM", "isST",
)  # fmt: skip
BASIC_FIELDS = ("code", "code_name", "ipoDate", "outDate", "type", "status")
INDUSTRY_FIELDS = ("updateDate", "code", "code_name", "industry", "industryClassification")
LEVEL_FIELDS = ("date", "code", "open", "high", "low", "close", "preclose", "volume", "amount", "pctChg")
CALENDAR_FIELDS = ("calendar_date", "is_trading_day")
NO_STOCKS = (
    ("sh.000001", "上证综合指数", "1991-07-15", "", "2", "1"),
    ("sh.510300", "沪深300ETF", "2012-05-28", "", "5", "1"),
)
_TAKEN = (
    "ts_code", "open", "high", "low", "close", "pre_close", "vol", "amount", "turnover_rate", "pct_chg", "pe_ttm", "pb",
    "ps_ttm",
)  # fmt: skip


@dataclass(frozen=True)
class Told:
    """A whole answer before it is cut into pages.

    :param echo: what the answer repeats of the request between rows and columns; ``after``: behind the columns.
    """

    fields: Sequence[str]
    rows: Rows
    echo: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


def daily(source: Source, request: Request) -> Told:
    """Return the market's rows of a day."""
    day = _day(request.part(2))
    special = _special(source, day)
    rows = [_traded(row, day, special) for row in _rows(source, "daily", day, _TAKEN)]
    rows += [_rested(row, day, special) for row in _rows(source, "suspend_d", day, ("ts_code", "pre_close"))]
    return Told(DAILY_FIELDS, sorted((row for row in rows if row[1][:2] in ("sh", "sz")), key=lambda row: row[1]))


def stock_basic(source: Source, request: Request) -> Told:
    """Return the list of securities."""
    names = ("ts_code", "name", "list_date", "delist_date", "list_status")
    rows: Rows = list(NO_STOCKS)
    for code, name, listed, gone, state in _table(source, "stock_basic", names, list_status="L,D"):
        if not code.endswith(".BJ"):
            rows.append((_code(code), name, _iso(listed), _iso(gone), "1", "1" if state == "L" else "0"))
    wanted, called = request.part(4), request.part(5)
    chosen = [row for row in sorted(rows) if wanted in ("", row[0]) and called in row[1]]
    return Told(BASIC_FIELDS, chosen, (wanted, called))


def industries(source: Source, request: Request) -> Told:
    """Return the industry of each stock that is listed."""
    rows = [
        ("2026-01-05", _code(code), name, industry, "证监会行业分类")
        for code, name, industry in _table(source, "stock_basic", ("ts_code", "name", "industry"), list_status="L")
        if not code.endswith(".BJ") and request.part(4) in ("", _code(code))
    ]
    return Told(INDUSTRY_FIELDS, sorted(rows, key=lambda row: row[1]), (request.part(4), request.part(5)))


def levels(source: Source, request: Request) -> Told:
    """Return the rows of an index of a range, the oldest day first; k-lines of stocks are not served here."""
    code, wanted, *echoed = (request.part(at) for at in range(4, 10))
    first, last, frequency, _ = echoed
    fields, ts_code = tuple(wanted.split(",")), f"{code[3:]}.{code[:2].upper()}"
    if set(fields) - set(LEVEL_FIELDS):
        raise ProtocolError("10004012", "无效的指标")
    if ts_code not in INDEXES or frequency != "d" or not code.startswith(("sh.", "sz.")):
        raise ProtocolError("10004011", "无效的证券代码")
    names = ("trade_date", "open", "high", "low", "close", "pre_close", "vol", "amount", "pct_chg")
    rows = []
    for block in source.blocks("index_daily", Query((ts_code,), f"{_day(first):%Y%m%d}", f"{_day(last):%Y%m%d}")):
        for day, *prices, lots, amount, percent in zip(*(block.column(n, 0, block.size) for n in names), strict=True):
            texts = (*(_number(each, 1.0, 4) for each in prices), _number(lots, 100, 0), _number(amount, 1000, 4))
            row = dict(zip(LEVEL_FIELDS, (_iso(str(day)), code, *texts, _number(percent, 1.0, 6)), strict=True))
            rows.append(tuple(row[name] for name in fields))
    return Told(fields, rows[::-1], (code,), tuple(echoed))


def trade_dates(source: Source, request: Request) -> Told:
    """Return the calendar of a range, the oldest day first."""
    first, last = _day(request.part(4)), _day(request.part(5))
    if last < first:
        raise ProtocolError("10004009", "起始日期大于终止日期")
    table = _table(source, "trade_cal", ("cal_date", "is_open"), f"{first:%Y%m%d}", f"{last:%Y%m%d}")
    rows = [(_iso(day), is_open) for day, is_open in table]
    return Told(CALENDAR_FIELDS, sorted(rows), (request.part(4), request.part(5)))


Tables = dict[str, tuple[str, bool, Callable[[Source, Request], Told]]]
TABLES: Tables = {
    "98": ("99", False, daily),
    "95": ("96", True, levels),
    "33": ("34", True, trade_dates),
    "45": ("46", True, stock_basic),
    "59": ("60", True, industries),
}
"""By the type of a request: the type of its answer, whether it comes in pages, and its rows."""


def _rows(source: Source, api: str, day: date, names: Sequence[str]) -> Iterator[tuple[object, ...]]:
    given = {"suspend_type": "S"} if api == "suspend_d" else {}
    text = f"{day:%Y%m%d}"
    for block in source.blocks(api, Query((), text, text, given=given)):
        yield from zip(*(block.column(name, 0, block.size) for name in names), strict=True)


def _table(
    source: Source, api: str, names: Sequence[str], start: str = "", end: str = "99991231", **given: str
) -> Iterator[tuple[str, ...]]:
    for block in source.blocks(api, Query((), start, end, given=given)):
        for row in zip(*(block.column(name, 0, block.size) for name in names), strict=True):
            yield tuple("" if value is None else str(value) for value in row)


def _special(source: Source, day: date) -> frozenset[str]:
    """Return the stocks whose name said ST on a day."""
    text, found = f"{day:%Y%m%d}", {}
    periods = _table(source, "namechange", ("ts_code", "start_date", "end_date", "name"))
    for code, start, end, name in sorted(periods, key=lambda row: (row[1], row[2] == "")):
        if start <= text:
            found[code] = "ST" in name and (not end or end >= text)
    return frozenset(code for code, special in found.items() if special)


def _traded(row: tuple[object, ...], day: date, special: frozenset[str]) -> tuple[str, ...]:
    code, opened, high, low, close, pre, lots, amount, turn, percent, pe, pb, ps = row
    prices = (_number(each, 1.0, 4) for each in (opened, high, low, close, pre))
    return (
        day.isoformat(), _code(str(code)), *prices, _number(lots, 100, 0), _amount(amount, str(code), day), "3",
        _number(turn, 1.0, 6), "1", _number(percent, 1.0, 6), _number(pe, 1.0, 6), _number(pb, 1.0, 6),
        _number(ps, 1.0, 6), "", "1" if code in special else "0",
    )  # fmt: skip


def _rested(row: tuple[object, ...], day: date, special: frozenset[str]) -> tuple[str, ...]:
    code, pre = row
    price = _number(pre, 1.0, 4)
    flag = "1" if code in special else "0"
    return (day.isoformat(), _code(str(code)), *[price] * 5, "0", "0", "3", "", "0", "0.000000", *[""] * 4, flag)


def _number(value: object, scale: float, digits: int) -> str:
    return f"{float(value) * scale:.{digits}f}" if isinstance(value, (int, float)) else ""


def _amount(thousands: object, code: str, day: date) -> str:
    """Write an amount in CNY, with up to 49 fen more or less than TuShare's figure."""
    if not isinstance(thousands, (int, float)) or not thousands:
        return _number(thousands, 1000, 4)
    fen = round(thousands * 1000) * 100 + (int(code[:6]) + day.toordinal()) * 37 % 99 - 49
    return f"{fen // 100}.{fen % 100:02d}00"


def _code(ts_code: str) -> str:
    return f"{ts_code[-2:].lower()}.{ts_code[:6]}"


def _iso(day: str) -> str:
    return f"{day[:4]}-{day[4:6]}-{day[6:]}" if day else ""


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a calendar day has no zone
    except ValueError:
        raise ProtocolError("10004010", "日期格式不正确") from None
