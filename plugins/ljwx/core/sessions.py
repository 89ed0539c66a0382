"""Trading sessions as a sorted list of dates; pure: with a clock in here the same run could give two answers."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

SATURDAY = 5


@dataclass(frozen=True)
class Calendar:
    """The exchange's sessions; after `known_through` each weekday counts as a tentative session.

    :param sessions: open days, sorted, without repeats.
    :param known_through: last day, open or closed, that the exchange has announced.
    """

    sessions: tuple[date, ...]
    known_through: date

    def is_session(self, day: date) -> bool:
        """Tell whether `day` is a session, tentative ones included."""
        if day > self.known_through:
            return day.weekday() < SATURDAY
        at = bisect_left(self.sessions, day)
        return at < len(self.sessions) and self.sessions[at] == day

    def is_tentative(self, day: date) -> bool:
        """Tell whether `day` lies past the announced calendar."""
        return day > self.known_through

    def days_left(self, day: date) -> int:
        """Return how many days the announced calendar reaches past `day`; negative behind its end."""
        return (self.known_through - day).days

    def between(self, first: date, last: date) -> tuple[date, ...]:
        """Return the sessions from `first` to `last`, both inclusive."""
        known = self.sessions[bisect_left(self.sessions, first) : bisect_right(self.sessions, last)]
        return known + tuple(self._weekdays(max(first, self.known_through + timedelta(days=1)), last))

    def after(self, day: date) -> date:
        """Return the first session later than `day`."""
        at = bisect_right(self.sessions, day)
        if at < len(self.sessions):
            return self.sessions[at]
        day = max(day, self.known_through) + timedelta(days=1)
        while day.weekday() >= SATURDAY:
            day += timedelta(days=1)
        return day

    def at_or_before(self, day: date) -> date:
        """Return the last session not later than `day`.

        :raises ValueError: `day` is earlier than the first session of the list.
        """
        if day < self.sessions[0]:
            raise ValueError(f"the session list starts on {self.sessions[0]}; {day} is earlier")
        while not self.is_session(day):
            day -= timedelta(days=1)
        return day

    def before(self, day: date) -> date:
        """Return the last session earlier than `day`."""
        return self.at_or_before(day - timedelta(days=1))

    @staticmethod
    def _weekdays(first: date, last: date) -> Iterator[date]:
        for offset in range((last - first).days + 1):
            day = first + timedelta(days=offset)
            if day.weekday() < SATURDAY:
                yield day


def unbroken(days: Sequence[date], among: Sequence[date]) -> list[tuple[date, date]]:
    """Return the first and last of each run of `days` that follow each other in `among`; both are sorted."""
    runs: list[tuple[date, date]] = []
    before: dict[date, date | None] = dict(zip(among, (None, *among), strict=False))
    for day in days:
        if runs and before[day] == runs[-1][1]:
            runs[-1] = (runs[-1][0], day)
        else:
            runs.append((day, day))
    return runs


def load_calendar(path: Path) -> Calendar:
    """Read a session list: one ISO date a line, `#` starts a comment; known through the end of its last year.

    :raises ValueError: a line is not a date, or the dates do not rise.
    """
    days: list[date] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        text = line.split("#", 1)[0].strip()
        if not text:
            continue
        try:
            day = date.fromisoformat(text)
        except ValueError as error:
            raise ValueError(f"{path}:{number}: {text!r} is not a date (YYYY-MM-DD)") from error
        if days and day <= days[-1]:
            raise ValueError(f"{path}:{number}: {day} does not come after {days[-1]}")
        days.append(day)
    if not days:
        raise ValueError(f"{path} holds no session")
    return Calendar(tuple(days), date(days[-1].year, 12, 31))
