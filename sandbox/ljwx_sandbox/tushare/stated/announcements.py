"""What the simulated companies announce of a quarter: a forecast, preliminary figures, a report, and corrections.

As in the real market, a forecast often comes before its quarter has ended, and always before the figures; a year's
report comes up to four months later, often on one day with that of the next quarter. A tenth of the reports is
corrected weeks later under the first day of announcement (`update_flag` 1), and of half of these the first row is gone
then. No row is there before its day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from ljwx_sandbox.tushare.interfaces import INTERFACES, ListBlock
from ljwx_sandbox.tushare.market import SimulatedMarket
from ljwx_sandbox.tushare.wire import Query

_DAY = timedelta(days=1)
_REPORTED = {1: (10, 30), 2: (20, 62), 3: (10, 31), 4: (60, 120)}
"""Quarter → days after its end from which and to which it is reported."""
_EXPECTED = {1: (-12, 8), 2: (-5, 14), 3: (-8, 8), 4: (5, 31)}
"""Quarter → days after its end from which and to which companies say what they expect of it."""


@dataclass(frozen=True)
class _Quarter:
    """A company's quarter; percent, growth on the year."""

    code: str
    end: date
    reported: date
    expected: date | None
    express: date | None
    corrected: date | None
    forgets: bool
    roe: float
    revenue: float
    profit: float
    base: float

    @property
    def outlook(self) -> str:
        """The kind of its forecast."""
        before = self.base > 0
        if self.base * (1 + self.profit / 100) <= 0:
            return "首亏" if before else "续亏"
        if not before:
            return "扭亏"
        names = ((50, "预增"), (10, "略增"), (-10, "续盈"), (-50, "略减"))
        return next((name for least, name in names if self.profit >= least), "预减")


def announcements(api: str, market: SimulatedMarket, query: Query, first: date, today: date) -> ListBlock:
    """Return the rows of an interface, the newest announcement first."""
    columns = INTERFACES[api].default + INTERFACES[api].hidden
    made = _ROWS[api.removesuffix("_vip")]
    rows = [row for quarter in _quarters(market, query, first, today) for row in made(quarter, today)]
    by = {name: columns.index(name) for name in ("ann_date", "end_date")}
    wanted = {"ann_date": query.given.get("ann_date"), "end_date": query.given.get("period")}
    ranged = by["end_date" if api.startswith("fina") else "ann_date"]
    chosen = [
        row
        for row in rows
        if all(value is None or row[by[name]] == value for name, value in wanted.items())
        and query.start <= str(row[ranged]) <= query.end
    ]
    return ListBlock.of_records(columns, sorted(chosen, key=lambda row: (str(row[by["ann_date"]]), str(row[0])))[::-1])


def _quarters(market: SimulatedMarket, query: Query, first: date, today: date) -> Iterator[_Quarter]:
    """Yield the quarters of the companies of a query that were listed then; each is what it is, whenever asked for."""
    universe, now = market.universe, today.toordinal()
    ends = list(_ends(first, today + timedelta(days=15), query.given.get("period")))
    for at in range(len(universe.codes)):
        code = universe.book.of(at, now, now)
        if query.codes and code not in query.codes:
            continue
        for end in ends:
            quarter = _quarter(market, at, code, end)
            if universe.list_day[at] < end.toordinal() and quarter.reported.toordinal() < universe.delist_day[at]:
                yield quarter


def _ends(first: date, last: date, period: str | None) -> Iterator[date]:
    for year in range(first.year - 1, last.year + 1):
        for month in (4, 7, 10, 13):
            end = date(year + month // 13, month % 12, 1) - _DAY
            if end <= last and (period is None or f"{end:%Y%m%d}" == period):
                yield end


def _quarter(market: SimulatedMarket, at: int, code: str, end: date) -> _Quarter:
    number = (end.month + 2) // 3
    draw: list[float] = np.random.default_rng([market.spec.seed, 4, at, end.toordinal()]).random(10).tolist()
    reported = end + timedelta(days=_between(_REPORTED[number], draw[0]))
    express = reported - timedelta(days=_between((6, 25), draw[1]))
    has_express = draw[2] < (0.4 if number == 4 else 0.1) and express > end
    expected = end + timedelta(days=_between(_EXPECTED[number], draw[3]))
    has_forecast = draw[4] < 0.6 and expected < (express if has_express else reported)
    earnings, book = float(market.traits.earnings[at]), float(market.traits.book[at])
    return _Quarter(
        code=code,
        end=end,
        reported=reported,
        expected=expected if has_forecast else None,
        express=express if has_express else None,
        corrected=reported + timedelta(days=_between((10, 60), draw[6])) if draw[5] < 0.1 else None,
        forgets=draw[5] < 0.05,
        roe=round(earnings / book * 100 * number / 4 * (0.8 + 0.4 * draw[7]), 4),
        revenue=round(60 * draw[8] - 20, 4),
        profit=round(240 * draw[9] - 110, 4),
        base=earnings,
    )


def _between(days: tuple[int, int], share: float) -> int:
    return days[0] + int(share * (days[1] - days[0] + 1))


def _reports(quarter: _Quarter, today: date) -> Iterator[list[object]]:
    days = [f"{quarter.reported:%Y%m%d}", f"{quarter.end:%Y%m%d}"]
    corrected = quarter.corrected is not None and quarter.corrected <= today
    if quarter.reported <= today and not (corrected and quarter.forgets):
        yield [quarter.code, *days, quarter.roe, quarter.revenue, quarter.profit, "0"]
    if corrected:
        again = (round(quarter.roe * 0.9, 4), round(quarter.revenue - 3, 4), round(quarter.profit - 7, 4))
        yield [quarter.code, *days, *again, "1"]


def _expresses(quarter: _Quarter, today: date) -> Iterator[list[object]]:
    if quarter.express is not None and quarter.express <= today:
        last_year = round(abs(quarter.base), 2)
        given = (round(quarter.roe * 1.01, 4), last_year, round(quarter.revenue + 0.5, 4), round(quarter.profit + 1, 4))
        yield [quarter.code, f"{quarter.express:%Y%m%d}", f"{quarter.end:%Y%m%d}", *given]


def _forecasts(quarter: _Quarter, today: date) -> Iterator[list[object]]:
    if quarter.expected is not None and quarter.expected <= today:
        day = f"{quarter.expected:%Y%m%d}"
        low, high = round(quarter.profit - 8, 2), round(quarter.profit + 12, 2)
        range_ = (None, None) if quarter.outlook in ("扭亏", "续亏") else (low, high)
        yield [quarter.code, day, f"{quarter.end:%Y%m%d}", quarter.outlook, *range_, day]


_ROWS: dict[str, Callable[[_Quarter, date], Iterator[Sequence[object]]]] = {
    "fina_indicator": _reports,
    "express": _expresses,
    "forecast": _forecasts,
}
