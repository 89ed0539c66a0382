"""The trading days the server knows."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

EXCHANGE_OPENED = date(1990, 12, 19)
_DAY = timedelta(days=1)


class SessionList:
    """Sessions from a list of dates; past its end every weekday is one, before its start none.

    An empty list means every weekday since the Shanghai exchange opened.
    """

    def __init__(self, dates: Sequence[date] = ()) -> None:
        self._dates = sorted(set(dates))
        self._listed = frozenset(self._dates)
        self.first = self._dates[0] if self._dates else EXCHANGE_OPENED
        self.last_listed = self._dates[-1] if self._dates else EXCHANGE_OPENED

    @classmethod
    def read(cls, path: Path) -> SessionList:
        """Read a text file of ISO dates, one a line; blank lines and lines that begin with # are passed over."""
        lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
        return cls([date.fromisoformat(line) for line in lines if line and not line.startswith("#")])

    def is_open(self, day: date) -> bool:
        """Say whether the day is a session."""
        if day in self._listed:
            return True
        return day > self.last_listed and day.weekday() < 5

    def previous(self, day: date) -> date | None:
        """Return the last session before the day, or None before the first."""
        if self._dates and day <= self.last_listed + _DAY:
            at = bisect_right(self._dates, day - _DAY)
            return self._dates[at - 1] if at else None
        day -= _DAY
        while day > self.first and not self.is_open(day):
            day -= _DAY
        return day if self.is_open(day) else None

    def at_or_after(self, day: date) -> date:
        """Return the first session not before the day."""
        day = max(day, self.first)
        while not self.is_open(day):
            day += _DAY
        return day

    def of_year(self, year: int) -> list[date]:
        """Return the sessions of a calendar year in order."""
        day, end = date(year, 1, 1), date(year, 12, 31)
        days = (day + timedelta(days=n) for n in range((end - day).days + 1))
        return [each for each in days if each >= self.first and self.is_open(each)]
