"""The calendar against a naive one, the shipped list against exchange_calendars, and lists that are refused."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ljwx.core.sessions import Calendar, load_calendar
from ljwx.resources import SESSIONS, included
from support_lazy import Lazy

exchange_calendars = Lazy("exchange_calendars")

# The week of the National Day of 2026, from exchange_calendars: closed from 10-01 to 10-07.
WEEK = Calendar((date(2026, 9, 29), date(2026, 9, 30), date(2026, 10, 8), date(2026, 10, 9)), date(2026, 10, 11))

OLD_PANDAS_CALLS = pytest.mark.filterwarnings("ignore:Series.values returning")
"""exchange_calendars on the newest pandas."""

FIRST, LAST = date(2026, 1, 1), date(2026, 3, 31)
DAYS = st.dates(FIRST, LAST + timedelta(days=40))


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    days = draw(st.sets(st.dates(FIRST, LAST), min_size=1, max_size=60))
    return Calendar(tuple(sorted(days)), max(days) + timedelta(days=draw(st.integers(0, 9))))


def naive(calendar: Calendar) -> list[date]:
    """Every session up to half a year past the list, found day by day."""
    days = (calendar.sessions[0] + timedelta(days=i) for i in range(300))
    open_days = set(calendar.sessions)
    return [d for d in days if d in open_days or (d > calendar.known_through and d.isoweekday() <= 5)]


@given(calendars(), DAYS)
def test_every_question_agrees_with_a_walk_day_by_day(calendar: Calendar, day: date) -> None:
    sessions = naive(calendar)
    assert calendar.is_session(day) == (day in sessions)
    assert calendar.is_tentative(day) == (day > calendar.known_through)
    assert calendar.after(day) == min(d for d in sessions if d > day)
    earlier = [d for d in sessions if d <= day]
    if earlier:
        assert calendar.at_or_before(day) == earlier[-1]
    if [d for d in sessions if d < day]:
        assert calendar.before(day) == [d for d in sessions if d < day][-1]


@given(calendars(), DAYS, DAYS)
def test_between_agrees_with_a_walk_day_by_day(calendar: Calendar, first: date, last: date) -> None:
    assert list(calendar.between(first, last)) == [d for d in naive(calendar) if first <= d <= last]


def test_between_holds_both_ends() -> None:
    assert WEEK.between(date(2026, 9, 30), date(2026, 10, 8)) == (date(2026, 9, 30), date(2026, 10, 8))


def test_a_range_within_a_holiday_or_turned_round_has_no_session() -> None:
    assert WEEK.between(date(2026, 10, 1), date(2026, 10, 7)) == ()
    assert WEEK.between(date(2026, 10, 9), date(2026, 9, 29)) == ()


def test_after_and_before_step_over_the_holiday_week() -> None:
    assert WEEK.after(date(2026, 9, 30)) == date(2026, 10, 8)
    assert WEEK.after(date(2026, 10, 3)) == date(2026, 10, 8)
    assert WEEK.before(date(2026, 10, 8)) == date(2026, 9, 30)


def test_at_or_before_returns_a_session_itself_and_before_does_not() -> None:
    assert WEEK.at_or_before(date(2026, 9, 30)) == date(2026, 9, 30)
    assert WEEK.before(date(2026, 9, 30)) == date(2026, 9, 29)


def test_past_the_list_weekdays_are_tentative_sessions() -> None:
    assert WEEK.after(date(2026, 10, 9)) == date(2026, 10, 12)
    assert WEEK.is_tentative(date(2026, 10, 12))
    assert not WEEK.is_tentative(date(2026, 10, 9))
    assert not WEEK.is_session(date(2026, 10, 17))
    assert WEEK.between(date(2026, 10, 9), date(2026, 10, 13)) == tuple(date(2026, 10, d) for d in (9, 12, 13))


def test_a_day_before_the_list_is_refused_and_not_answered_with_a_guess() -> None:
    with pytest.raises(ValueError, match="starts on 2026-09-29; 2026-09-28 is earlier"):
        WEEK.at_or_before(date(2026, 9, 28))
    with pytest.raises(ValueError, match="2026-09-28 is earlier"):
        WEEK.before(date(2026, 9, 29))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2026-01-05\n2026-1-6\n", r":2: '2026-1-6' is not a date"),
        ("2026-01-05\nholiday\n", r":2: 'holiday' is not a date"),
        ("2026-01-06\n2026-01-05\n", ":2: 2026-01-05 does not come after 2026-01-06"),
        ("2026-01-05\n\n2026-01-05\n", ":3: 2026-01-05 does not come after 2026-01-05"),
        ("# nothing yet\n", "holds no session"),
    ],
)
def test_a_wrong_list_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "list.txt"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        load_calendar(path)


def test_a_list_is_known_through_the_end_of_its_last_year(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("# a comment\n2026-01-05  # Monday\n\n2026-01-06\n")
    assert load_calendar(path) == Calendar((date(2026, 1, 5), date(2026, 1, 6)), date(2026, 12, 31))


def shipped() -> Calendar:
    return load_calendar(included(SESSIONS))


@OLD_PANDAS_CALLS
def test_the_shipped_list_is_the_one_of_exchange_calendars_for_its_whole_range() -> None:
    calendar = shipped()
    first, last = calendar.sessions[0], calendar.known_through
    peer = exchange_calendars.get_calendar("XSHG", start=first.isoformat(), end=last.isoformat())
    assert list(calendar.sessions) == [stamp.date() for stamp in peer.sessions]


def test_the_shipped_list_rises_and_starts_with_2005() -> None:
    calendar = shipped()
    assert list(calendar.sessions) == sorted(set(calendar.sessions))
    assert calendar.sessions[0] == date(2005, 1, 4)


@OLD_PANDAS_CALLS
def test_the_shipped_list_reaches_as_far_as_the_exchange_has_announced() -> None:
    """Fails when exchange_calendars has learned another year: write include/sessions/sse.txt from it again."""
    announced = exchange_calendars.get_calendar("XSHG").bound_max().date()
    calendar = shipped()
    assert calendar.known_through >= announced
    assert calendar.known_through == date(calendar.sessions[-1].year, 12, 31)
