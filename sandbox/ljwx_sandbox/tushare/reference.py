"""Reference tables of the simulated market: instruments, names, calendar."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from ljwx_sandbox.tushare.interfaces import INTERFACES, ListBlock
from ljwx_sandbox.tushare.market import SimulatedMarket
from ljwx_sandbox.tushare.sessions import SessionList
from ljwx_sandbox.tushare.universe import AREAS, BOARD_NAMES, BSE, INDUSTRIES, NEVER, Universe
from ljwx_sandbox.tushare.wire import Query

_EXCHANGES = {"SZ": "SZSE", "SH": "SSE", "BJ": "BSE"}
_STOCK_COLUMNS = (*INTERFACES["stock_basic"].default, *INTERFACES["stock_basic"].hidden)
_NAME_COLUMNS = INTERFACES["namechange"].default
_CALENDAR_COLUMNS = INTERFACES["trade_cal"].default


def _text(day: int) -> str | None:
    return date.fromordinal(day).strftime("%Y%m%d") if day < NEVER else None


def stocks(market: SimulatedMarket, query: Query, today: date) -> ListBlock:
    """Return the instruments of the list states asked for (L unless named), as they are called today."""
    states = query.given.get("list_status", "L").upper().split(",")
    exchange = query.given.get("exchange", "").upper()
    universe, now = market.universe, today.toordinal()
    rows = []
    for at in range(len(universe.codes)):
        code = universe.book.of(at, now, now)
        if universe.list_day[at] > now or (query.codes and code not in query.codes):
            continue
        state = "D" if universe.delist_day[at] <= now else "L"
        if state in states and exchange in ("", _EXCHANGES[code[-2:]]):
            rows.append(_stock(universe, at, now, state))
    return ListBlock.of_records(_STOCK_COLUMNS, rows)


def _stock(universe: Universe, at: int, now: int, state: str) -> list[object]:
    code = universe.book.of(at, now, now)
    symbol, suffix = code.split(".")
    industry, spell = INDUSTRIES[universe.industry[at]]
    # A delisted stock keeps the last name it had.
    name = universe.name_at(at, min(now, int(universe.delist_day[at]) - 1))
    delisted = _text(int(universe.delist_day[at])) if state == "D" else None
    connect = "N" if universe.board[at] == BSE or at % 3 == 0 else {"SZ": "S", "SH": "H"}[suffix]
    return [
        code, symbol, name, AREAS[universe.area[at]], industry, f"sh{spell}{at + 1}", BOARD_NAMES[universe.board[at]],
        _text(int(universe.list_day[at])), None, None, f"{universe.names[at]}股份有限公司",
        f"Sandbox {symbol} Co., Ltd.",
        _EXCHANGES[suffix], state, "CNY", delisted, connect,
    ]  # fmt: skip


def names(market: SimulatedMarket, query: Query, today: date) -> ListBlock:
    """Return the names a stock has had, newest first; start and end choose by announcement date.

    As at TuShare, a period under special treatment comes twice, once without its end_date.
    """
    universe, now = market.universe, today.toordinal()
    rows = [
        row
        for at in range(len(universe.codes))
        if not query.codes or universe.book.of(at, now, now) in query.codes
        for row in _periods(universe, at, now, untidy=market.spec.untidy_names)
        if query.start <= str(row[4]) <= query.end
    ]
    return ListBlock.of_records(_NAME_COLUMNS, rows)


def _periods(universe: Universe, at: int, now: int, *, untidy: bool) -> Iterator[list[object]]:
    code, plain = universe.book.of(at, now, now), universe.names[at]
    listed, begin, end = int(universe.list_day[at]), int(universe.st_from[at]), int(universe.st_to[at])
    marked = universe.name_at(at, begin) if begin < NEVER else plain

    def row(name: str, since: int, until: int, reason: str) -> list[object]:
        return [code, name, _text(since), _text(until) if until <= now else None, _text(since - 1), reason]

    if end < min(NEVER, int(universe.delist_day[at])) and end <= now:
        yield row(plain, end, NEVER, "撤销ST")
    if begin <= now:
        yield row(marked, begin, end - 1, marked[: marked.index("ST") + 2])
        if end <= now:
            yield row(marked, begin, NEVER, marked[: marked.index("ST") + 2])
    if untidy and begin <= now:
        # Two names on one day, of which this was announced first.
        yield [code, f"临时{plain[2:]}", _text(begin), None, _text(begin - 9), "其他"]
    rename = universe.book.renames.get(at)
    if rename is not None and rename.name and rename.day.toordinal() <= now < begin:
        begin = rename.day.toordinal()
        yield row(rename.name, begin, NEVER, "更名")
    if listed <= now:
        yield row(plain, listed, begin - 1 if begin < NEVER and not untidy else NEVER, "其他")


def bse_mapping(market: SimulatedMarket, query: Query, today: date) -> ListBlock:
    """Return what the codes of the Beijing exchange were before, from the day on which they changed."""
    universe, now = market.universe, today.toordinal()
    asked = [query.given.get(name, "").upper() for name in ("o_code", "n_code")]
    rows = [
        [universe.name_at(at, now), rename.old, rename.new, _text(int(universe.list_day[at]))]
        for at, rename in sorted(universe.book.renames.items())
        if rename.day.toordinal() <= now and rename.new.endswith(".BJ") and universe.list_day[at] <= now
        if asked[0] in ("", rename.old) and asked[1] in ("", rename.new)
    ]
    return ListBlock.of_records(INTERFACES["bse_mapping"].default, rows)


def calendar(market: SimulatedMarket, query: Query, today: date) -> ListBlock:
    """Return the calendar, newest day first; to the end of the year of `today` or the list unless told."""
    return calendar_rows(market.sessions, query, today)


def calendar_rows(sessions: SessionList, query: Query, today: date) -> ListBlock:
    """Return calendar days with `is_open` as an int and the session before each."""
    exchange = query.given.get("exchange", "SSE").upper()
    known_to = date(max(today.year, sessions.last_listed.year), 12, 31)
    end = known_to if query.end == "99991231" else _day(query.end)
    day = max(_day(query.start) if query.start else sessions.first, date(sessions.first.year, 1, 1))
    rows: list[list[object]] = []
    wanted = query.given.get("is_open")
    before = sessions.previous(day)
    while day <= end and exchange in _EXCHANGES.values():
        opened = sessions.is_open(day)
        if wanted is None or wanted == str(int(opened)):
            rows.append([exchange, f"{day:%Y%m%d}", int(opened), f"{before:%Y%m%d}" if before else None])
        before = day if opened else before
        day += timedelta(days=1)
    return ListBlock.of_records(_CALENDAR_COLUMNS, reversed(rows))


def _day(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))
