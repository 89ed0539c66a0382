"""Real rows from a folder as a source: ``daily_*.csv.gz``, ``adj_factor_*.csv.gz``, ``trade_cal_*.csv``, and
``stock_basic_response_*.json.gz`` (a verbatim response body).

What the folder lacks answers empty: daily_basic, moneyflow, suspend_d, stk_limit, namechange, index_daily,
index_weight, and what companies announce. Limits could only be guessed (ST and IPO days are not in the folder), and a
missing bar may be a suspension or a gap in the file.
"""

from __future__ import annotations

import csv
import gzip
import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TextIO

from ljwx_sandbox.tushare.interfaces import INTERFACES, Block, ListBlock
from ljwx_sandbox.tushare.reference import calendar_rows
from ljwx_sandbox.tushare.sessions import SessionList
from ljwx_sandbox.tushare.wire import Query

_TEXT = {"ts_code", "trade_date"}
_Row = tuple[object, ...]


@dataclass(frozen=True)
class _Bars:
    """One file's rows by session."""

    columns: tuple[str, ...]
    dates: list[str]
    by_date: dict[str, list[_Row]]

    def blocks(self, query: Query) -> Iterator[Block]:
        """Yield sessions newest first."""
        lo, hi = bisect_left(self.dates, query.start), bisect_right(self.dates, query.end)
        code_at = self.columns.index("ts_code")
        for day in reversed(self.dates[lo:hi]):
            rows: Iterable[_Row] = self.by_date[day]
            if query.codes:
                rows = [row for row in rows if row[code_at] in query.codes]
            yield ListBlock.of_records(self.columns, rows)


class ReplaySource:
    """Answers from a folder.

    :raises FileNotFoundError: there is no ``daily_*.csv.gz`` in it.
    """

    def __init__(self, folder: Path) -> None:
        daily = _read_bars(folder, "daily_*.csv.gz")
        if not daily.dates:
            raise FileNotFoundError(f"{folder} holds no daily_*.csv.gz with rows")
        self._bars = {"daily": daily, "adj_factor": _read_bars(folder, "adj_factor_*.csv.gz")}
        self._sessions = _read_calendar(folder) or SessionList([_date(day) for day in daily.dates])
        self._last = _date(daily.dates[-1])
        self._stocks = _read_stocks(folder)

    def blocks(self, api: str, query: Query) -> Iterator[Block]:
        """Yield the rows of an answer."""
        if api in self._bars:
            return self._bars[api].blocks(query)
        if api == "trade_cal":
            return iter([calendar_rows(self._sessions, query, self._last)])
        if api == "stock_basic":
            return iter([self._listed(query)])
        return iter(())

    def _listed(self, query: Query) -> ListBlock:
        states = query.given.get("list_status", "L").upper().split(",")
        exchange = query.given.get("exchange", "").upper()
        rows = [
            tuple(stock.values())
            for stock in self._stocks
            if stock.get("list_status", "L") in states
            and exchange in ("", stock.get("exchange"))
            and (not query.codes or stock["ts_code"] in query.codes)
        ]
        return ListBlock.of_records(tuple(self._stocks[0]) if self._stocks else ("ts_code",), rows)


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _read_bars(folder: Path, pattern: str) -> _Bars:
    by_date: dict[str, list[_Row]] = {}
    columns: tuple[str, ...] = INTERFACES[pattern.split("_*")[0]].default
    for path in sorted(folder.glob(pattern)):
        with _open(path) as file:
            reader = csv.reader(file)
            columns = tuple(next(reader))
            day_at = columns.index("trade_date")
            for row in reader:
                by_date.setdefault(row[day_at], []).append(_typed(columns, row))
    return _Bars(columns, sorted(by_date), by_date)


def _typed(columns: tuple[str, ...], row: list[str]) -> _Row:
    """Turn text into JSON values: an empty number is null."""
    return tuple(
        text if name in _TEXT else float(text) if text else None for name, text in zip(columns, row, strict=True)
    )


def _read_calendar(folder: Path) -> SessionList | None:
    opened = []
    for path in sorted(folder.glob("trade_cal_*.csv")):
        with _open(path) as file:
            opened += [_date(row["cal_date"]) for row in csv.DictReader(file) if row["is_open"] == "1"]
    return SessionList(opened) if opened else None


def _date(text: str) -> date:
    digits = text.replace("-", "")
    return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))


def _read_stocks(folder: Path) -> list[dict[str, object]]:
    stocks: list[dict[str, object]] = []
    for path in sorted(folder.glob("stock_basic_response_*.json.gz")):
        with _open(path) as file:
            data = json.load(file)["data"]
        stocks += [dict(zip(data["fields"], item, strict=True)) for item in data["items"]]
    return stocks
