"""The simulated market as a source: arrays to TuShare's columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from ljwx_sandbox.tushare import reference
from ljwx_sandbox.tushare.constituents import index_weights
from ljwx_sandbox.tushare.daybook import RESUMED, SUSPENDED, TRADING
from ljwx_sandbox.tushare.interfaces import INTERFACES, Block, ListBlock
from ljwx_sandbox.tushare.limits import shanghai_today
from ljwx_sandbox.tushare.market import SimulatedMarket, ordinal
from ljwx_sandbox.tushare.oddities.suspended import RestingRows, last_traded, odd, resting
from ljwx_sandbox.tushare.rules import AFTER_HOURS_APART
from ljwx_sandbox.tushare.stated import STATED, as_numbers
from ljwx_sandbox.tushare.stated.announcements import announcements
from ljwx_sandbox.tushare.universe import CHINEXT, STAR, Floats, Ints
from ljwx_sandbox.tushare.wire import Query
from ljwx_sandbox.tushare.year import INDEXES, Chunk


@dataclass(frozen=True)
class _Cells:
    """Some cells of a year, as index arrays into (sessions, stocks)."""

    market: SimulatedMarket
    chunk: Chunk
    session: Ints
    stock: Ints
    today: int

    @property
    def size(self) -> int:
        """How many rows there are."""
        return len(self.session)

    def column(self, name: str, lo: int, hi: int) -> Sequence[object]:
        """Return rows `lo` to `hi` of a column."""
        part = _Cells(self.market, self.chunk, self.session[lo:hi], self.stock[lo:hi], self.today)
        return _COLUMNS[name](part)

    def take(self, name: str) -> Floats:
        """Return an array's values at the cells."""
        values: Floats = getattr(self.chunk, name)[self.session, self.stock].astype(np.float64)
        return values

    def fixed(self, name: str) -> Floats:
        """Return what does not change with the session."""
        values: Floats = getattr(self.market.traits, name)[self.stock]
        return values


def _price(name: str) -> Callable[[_Cells], list[object]]:
    return lambda cells: as_numbers(cells.take(name) / 100)


def _codes(cells: _Cells) -> list[object]:
    book, days = cells.market.universe.book, cells.chunk.days
    if not book.renames:
        return [book.dealt[at] for at in cells.stock.tolist()]
    places = zip(cells.session.tolist(), cells.stock.tolist(), strict=True)
    return [book.of(at, days[session], cells.today) for session, at in places]


def _dates(cells: _Cells) -> list[object]:
    sessions = cells.session.tolist()
    texts = {at: compact(cells.chunk.days[at]) for at in set(sessions)}
    return [texts[at] for at in sessions]


def _change(cells: _Cells) -> list[object]:
    return as_numbers((cells.take("close") - cells.take("pre_close")) / 100)


def _pct_change(cells: _Cells) -> list[object]:
    pre = cells.take("pre_close")
    return as_numbers((cells.take("close") - pre) / pre * 100, 4)


def _after_hours(scale: Callable[[_Cells], Floats]) -> Callable[[_Cells], list[object]]:
    """After-hours trades are told apart from 2026-07-06 on, and only on the boards that have them."""

    def column(cells: _Cells) -> list[object]:
        board = cells.market.universe.board[cells.stock]
        days = np.array(cells.chunk.days)[cells.session]
        told = (days >= AFTER_HOURS_APART) & ((board == STAR) | (board == CHINEXT))
        return as_numbers(np.where(told, scale(cells), np.nan))

    return column


def _suspend_type(cells: _Cells) -> list[object]:
    status = cells.chunk.status[cells.session, cells.stock]
    return ["R" if each == RESUMED else "S" for each in status.tolist()]


_COLUMNS: dict[str, Callable[[_Cells], list[object]]] = {
    "ts_code": _codes,
    "trade_date": _dates,
    **{name: _price(name) for name in ("open", "high", "low", "close", "pre_close", "up_limit", "down_limit")},
    "change": _change,
    "pct_chg": _pct_change,
    "vol": lambda cells: as_numbers(cells.take("lots")),
    "amount": lambda cells: as_numbers(cells.take("amount") / 1000),
    "ah_vol": _after_hours(lambda cells: cells.take("ah_lots")),
    "ah_amount": _after_hours(lambda cells: cells.take("ah_lots") * cells.take("close") / 1000),
    "adj_factor": lambda cells: as_numbers(cells.take("adj")),
    "cash": _price("cash"),
    "bonus": lambda cells: as_numbers(cells.take("bonus") / 10),
    **STATED,
    "suspend_timing": lambda cells: [None] * cells.size,
    "suspend_type": _suspend_type,
}

_WANTED_STATUS = {
    "daily": (TRADING, RESUMED),
    "daily_basic": (TRADING, RESUMED),
    "moneyflow": (TRADING, RESUMED),
    "adj_factor": (TRADING, RESUMED, SUSPENDED),
    "stk_limit": (TRADING, RESUMED, SUSPENDED),
    "suspend_d": (SUSPENDED, RESUMED),
}


class SimulatedSource:
    """Answers from a simulated market, for the dates from `first` to `last`.

    :param last: the market's today, which may be moved on; None follows Shanghai's calendar: no future is served.
    """

    def __init__(self, market: SimulatedMarket, first: date | None = None, last: date | None = None) -> None:
        self._market = market
        self._first = market.sessions.at_or_after(first) if first else market.origin
        self.last = last
        self._place = market.universe.book.places()

    def blocks(self, api: str, query: Query) -> Iterator[Block]:
        """Yield rows newest first; within a session by code as listed."""
        if api in _WANTED_STATUS:
            return self._cells(api, query)
        if api == "index_daily":
            return self._indexes(query)
        if api == "index_weight":
            return index_weights(self._market, query, self._first, self._today())
        if api.removesuffix("_vip") in ("fina_indicator", "express", "forecast"):
            return iter([announcements(api, self._market, query, self._first, self._today())])
        return iter([_TABLES[api](self._market, query, self._today())])

    def _today(self) -> date:
        return self.last or shanghai_today()

    def _chunks(self, query: Query) -> Iterator[tuple[Chunk, list[int]]]:
        """Yield the years of a query from the newest, each with its sessions of the query, newest first."""
        start = max(ordinal(query.start), self._first.toordinal()) if query.start else self._first.toordinal()
        end = min(ordinal(query.end), self._today().toordinal())
        if end < start:
            return
        for year in range(date.fromordinal(end).year, date.fromordinal(start).year - 1, -1):
            chunk = self._market.year(year)
            if chunk is not None:
                yield chunk, [at for at in reversed(range(len(chunk.days))) if start <= chunk.days[at] <= end]

    def _cells(self, api: str, query: Query) -> Iterator[Block]:
        stocks = np.arange(len(self._market.universe.codes))
        if query.codes:
            stocks = np.array(
                sorted({self._place[code] for code in query.codes if code in self._place}), dtype=np.int64
            )
        wanted = self._wanted(api, query)
        for chunk, sessions in self._chunks(query):
            # One block per session keeps a whole-market range lazy; a few stocks' year is one block.
            groups = [sessions] if query.codes else [[at] for at in sessions]
            for group in groups:
                at = np.array(group, dtype=np.int64)
                yield self._block(api, chunk, at, stocks, wanted, query)
                if api == "daily" and self._market.spec.odd_suspensions:
                    yield self._resting(chunk, at, stocks, query)

    def _block(
        self, api: str, chunk: Chunk, sessions: Ints, stocks: Ints, wanted: tuple[int, ...], query: Query
    ) -> Block:
        status = chunk.status[np.ix_(sessions, stocks)]
        mask = np.isin(status, wanted)
        if api == "stk_limit":
            mask &= chunk.up_limit[np.ix_(sessions, stocks)] > 0
        if api == "suspend_d" and SUSPENDED in wanted and self._market.spec.odd_suspensions:
            mask |= (status == TRADING) & odd(chunk, sessions, stocks, self._market.spec.odd_suspensions)
        row, column = np.nonzero(mask)
        return self._asked(_Cells(self._market, chunk, sessions[row], stocks[column], self._today().toordinal()), query)

    def _asked(self, cells: _Cells, query: Query) -> _Cells:
        """Leave out rows that bear another of their stock's codes than the one asked for."""
        if not query.codes or not self._market.universe.book.renames:
            return cells
        kept = np.isin(np.array(_codes(cells), dtype=np.str_), query.codes)
        return _Cells(cells.market, cells.chunk, cells.session[kept], cells.stock[kept], cells.today)

    def _resting(self, chunk: Chunk, sessions: Ints, stocks: Ints, query: Query) -> Block:
        chosen = odd(chunk, sessions, stocks, self._market.spec.odd_suspensions * 5) & resting(chunk, sessions, stocks)
        row, column = np.nonzero(chosen)
        cells = self._asked(
            _Cells(self._market, chunk, sessions[row], stocks[column], self._today().toordinal()), query
        )
        before = last_traded(chunk, cells.session, cells.stock)
        there = before >= 0
        traded = _Cells(self._market, chunk, before[there], cells.stock[there], cells.today)
        return RestingRows(traded, chunk, traded.stock, cells.session[there])

    def _wanted(self, api: str, query: Query) -> tuple[int, ...]:
        if api == "suspend_d" and query.given.get("suspend_type"):
            return {"S": (SUSPENDED,), "R": (RESUMED,)}.get(query.given["suspend_type"].upper(), ())
        return _WANTED_STATUS[api]

    def _indexes(self, query: Query) -> Iterator[Block]:
        numbers = [INDEXES.index(code) for code in query.codes if code in INDEXES]
        rows = [
            _index_row(INDEXES[number], chunk, at, number)
            for chunk, sessions in self._chunks(query)
            for at in sessions
            for number in numbers
        ]
        yield ListBlock.of_records(_INDEX_COLUMNS, rows)


_TABLES: dict[str, Callable[[SimulatedMarket, Query, date], Block]] = {
    "stock_basic": reference.stocks,
    "namechange": reference.names,
    "trade_cal": reference.calendar,
    "bse_mapping": reference.bse_mapping,
}
_INDEX_COLUMNS = INTERFACES["index_daily"].default


def _index_row(code: str, chunk: Chunk, at: int, number: int) -> list[object]:
    opened, high, low, close, pre, lots, amount = chunk.index[at, number].tolist()
    change, percent = round(close - pre, 4), round((close - pre) / pre * 100, 4)
    day = compact(chunk.days[at])
    return [code, day, close, opened, high, low, pre, change, percent, lots, amount / 1000]


def compact(day: int) -> str:
    """Write an ordinal as YYYYMMDD."""
    return date.fromordinal(day).strftime("%Y%m%d")
