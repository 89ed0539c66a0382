"""Tencent's k-line endpoint over the same market: ``GET /appstock/app/fqkline/get?param=sz000001,day,,,320,qfq``.

No document describes the real one. Rows of texts, the close before the high, the seventh element of ex-right days, the
key named after the adjustment (``day`` where a stock has no ex-right), the count beyond which a request is refused or
answered with 640 rows, the STAR market's volumes in shares, and the ``_var=`` prefix are as seen in public recordings
and in programs that ran against it. Inferred are the code of an error, the answer for an unknown stock, and the
numbers of a quote beyond those filled in here.

Adjusted prices are affine, as recorded ones are: each ex-right takes the cash off and divides by the new shares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

import msgspec

from ljwx_sandbox.tushare.faults import ROWS, Fault, spoil
from ljwx_sandbox.tushare.interfaces import Rows, Source
from ljwx_sandbox.tushare.wire import Query

PATH = "/appstock/app/fqkline/get"
NAME = "fqkline"
"""What faults and statistics call the endpoint."""
MOST, FULL, ADJUSTED_MOST = 2000, 640, 800
_FIELDS = ("trade_date", "open", "close", "high", "low", "volume")
_COLUMNS = ("trade_date", "open", "close", "high", "low", "vol", "pre_close", "amount", "cash", "bonus")
_HALF_TICK = 0.005
_QUOTE_WIDTH = 88


@dataclass(frozen=True)
class Bar:
    """One session: prices in CNY, vol in lots, amount in thousand CNY; what one share received on an ex-right day.

    :param cash: CNY; None where the source does not know it.
    :param bonus: new shares.
    """

    day: str
    open: float
    close: float
    high: float
    low: float
    vol: float
    pre_close: float
    amount: float | None
    cash: float | None
    bonus: float

    @property
    def prices(self) -> tuple[float, ...]:
        """Prices in the order of a row."""
        return self.open, self.close, self.high, self.low


@dataclass(frozen=True)
class Asked:
    """The parts of ``param``."""

    symbol: str
    start: str
    end: str
    count: int
    adjustment: str

    @property
    def code(self) -> str:
        """The stock as TuShare calls it."""
        return f"{self.symbol[2:]}.{self.symbol[:2].upper()}"


def answer(source: Source, param: str, var: str, fault: Fault | None = None) -> bytes:
    """Return the body of an answer."""
    asked = _read(param)
    told = _refusal() if asked is None or (fault and fault.kind not in ROWS) else _told(source, asked, fault)
    body = msgspec.json.encode(told)
    return f"{var}=".encode() + body if var else body


def _read(param: str) -> Asked | None:
    """Take a param apart; None when it makes no request."""
    parts = [*param.split(","), "", ""][:6]
    if len(parts) < 6 or parts[1] != "day" or not parts[4].isdigit() or parts[5] not in ("", "qfq", "hfq"):
        return None
    try:
        start, end = (day and f"{datetime.strptime(day, '%Y-%m-%d'):%Y%m%d}" for day in parts[2:4])  # noqa: DTZ007 - a calendar day has no zone
    except ValueError:
        return None
    count = int(parts[4])
    if not 0 < count <= MOST:
        return None
    if parts[5] and count > ADJUSTED_MOST:
        count = FULL
    return Asked(parts[0], start, end or "99991231", count, parts[5])


def _refusal() -> dict[str, object]:
    return {"code": 1, "msg": "param error", "data": []}


def _told(source: Source, asked: Asked, fault: Fault | None) -> dict[str, object]:
    newest = list(islice(_bars(source, asked.code, "", "99991231"), 1))
    if not newest:
        return {"code": 0, "msg": "", "data": []}
    history = list(_bars(source, asked.code, "", "99991231")) if asked.adjustment else []
    adjusted = any(_is_ex_right(bar) for bar in history)
    bars = list(islice(_bars(source, asked.code, asked.start, asked.end), asked.count))[::-1]
    price = _adjuster(asked.adjustment, history[::-1]) if adjusted else lambda bar: bar.prices
    quote = _quote(asked.code, newest[0])
    node = {
        f"{asked.adjustment if adjusted else ''}day": _rows(asked.code, bars, price, fault),
        "qt": {asked.symbol: quote, "market": []},
        "mx_price": {"mx": [], "price": []},
        "prec": quote[4],
        "version": "16",
    }
    return {"code": 0, "msg": "", "data": {asked.symbol: node}}


def _bars(source: Source, code: str, start: str, end: str) -> Iterator[Bar]:
    """Yield a stock's bars, newest first."""
    later: Bar | None = None
    for block in source.blocks("daily", Query((code,), start, end)):
        columns = (block.column(name, 0, block.size) for name in _COLUMNS)
        for values in zip(*columns, strict=True):
            bar = Bar(*values)
            if later is not None:
                yield _with_event(later, bar.close)
            later = bar
    if later is not None:
        yield _with_event(later, later.pre_close)


def _with_event(bar: Bar, close_before: float) -> Bar:
    """Write an ex-right that the source knows by its reference price alone as the cash that gives the same one."""
    if bar.cash is not None:
        return replace(bar, bonus=bar.bonus or 0.0)
    gap = close_before - bar.pre_close
    return replace(bar, cash=round(gap, 2) if gap > _HALF_TICK else 0.0, bonus=0.0)


def _is_ex_right(bar: Bar) -> bool:
    return bool(bar.cash or bar.bonus)


def _adjuster(adjustment: str, history: Sequence[Bar]) -> Callable[[Bar], tuple[float, ...]]:
    """Return what adjusts a bar's prices: to the newest bar (qfq), or to the first one (hfq)."""
    events = [bar for bar in history if _is_ex_right(bar)]

    def forward(bar: Bar) -> tuple[float, ...]:
        prices = bar.prices
        for event in events:
            if event.day > bar.day:
                prices = tuple((price - (event.cash or 0.0)) / (1 + event.bonus) for price in prices)
        return prices

    def backward(bar: Bar) -> tuple[float, ...]:
        prices = bar.prices
        for event in reversed(events):
            if event.day <= bar.day:
                prices = tuple(price * (1 + event.bonus) + (event.cash or 0.0) for price in prices)
        return prices

    return forward if adjustment == "qfq" else backward


def _rows(
    code: str, bars: Sequence[Bar], price: Callable[[Bar], tuple[float, ...]], fault: Fault | None
) -> list[list[object]]:
    made: Rows = [(_iso(bar.day), *(f"{each:.3f}" for each in price(bar)), f"{_volume(code, bar):.3f}") for bar in bars]
    rows = spoil(fault, _FIELDS, made)[1] if fault else made
    events = {_iso(bar.day): _event(bar) for bar in bars if _is_ex_right(bar)}
    return [[*row, events[str(row[0])]] if row[0] in events else list(row) for row in rows]


def _volume(code: str, bar: Bar) -> float:
    """STAR stocks' volumes come in shares, all others' in lots."""
    return round(bar.vol * 100) if code.startswith(("688", "689")) else bar.vol


def _event(bar: Bar) -> dict[str, str]:
    cash, shares = f"{(bar.cash or 0.0) * 10:.4f}".rstrip("0").rstrip("."), f"{bar.bonus * 10:g}"
    parts = [f"10转{shares}股"] if bar.bonus else []
    parts += [f"10派{cash}元"] if bar.cash else []
    day = _iso(bar.day)
    return {"nd": str(int(day[:4]) - 1), "fh_sh": cash, "djr": "", "cqr": day, "FHcontent": ", ".join(parts)}


def _quote(code: str, bar: Bar) -> list[str]:
    """Return the quote of the newest session, after its end; prices, volume and amount as Tencent's page shows them."""
    quote, volume, amount = [""] * _QUOTE_WIDTH, f"{_volume(code, bar):.0f}", (bar.amount or 0.0) * 1000
    opened, close, high, low = (f"{each:.2f}" for each in bar.prices)
    known = {
        0: "1", 1: code, 2: code[:6], 3: close, 4: f"{bar.pre_close:.2f}", 5: opened, 6: volume,
        30: f"{bar.day}161400", 31: f"{bar.close - bar.pre_close:.2f}", 33: high, 34: low,
        35: f"{close}/{volume}/{amount:.0f}", 36: volume, 37: f"{amount / 10_000:.0f}",
    }  # fmt: skip
    for at, text in known.items():
        quote[at] = text
    return quote


def _iso(day: str) -> str:
    return f"{day[:4]}-{day[4:6]}-{day[6:]}"
