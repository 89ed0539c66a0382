"""Which day a message means: a date, or a word such as 昨天 or yesterday.

Pure: never imports airflow, an HTTP client or a database driver; the day on which one asks is given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

_WEEKDAYS: Final = "一二三四五六日"
_ENGLISH_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_MONTH: Final = "(?P<month>" + "|".join(f"{name}|{name[:3]}" for name in _MONTHS) + r")\.?"
_NUMERALS: Final = {"一": 1, "两": 2, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10}
_COUNT: Final = r"(?P<count>\d{1,3}|[一两二三四五六七八九十])"
_ORDINAL: Final = r"(?:st|nd|rd|th)?"

Reader = Callable[["re.Match[str]", date], "date | None"]


@dataclass(frozen=True)
class SaidDay:
    """A day that a message names.

    :param day: None where what was written is no day, such as 2026-02-30, or may mean several.
    :param text: as it was written.
    """

    day: date | None
    text: str
    start: int
    end: int


def _date(match: re.Match[str], today: date) -> date | None:
    fields = match.groupdict()
    month = fields["month"]
    number = int(month) if month.isdigit() else _month(month)
    if fields.get("year"):
        return _made(int(fields["year"]), number, int(fields["day"]))
    this_year = _made(today.year, number, int(fields["day"]))
    # A day without a year is the last one of that name: of the days to come nothing is known.
    late = this_year is None or this_year > today
    return _made(today.year - 1, number, int(fields["day"])) if late else this_year


def _made(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _month(name: str) -> int:
    return next(at for at, month in enumerate(_MONTHS, start=1) if month.startswith(name[:3]))


def _ago(match: re.Match[str], today: date) -> date:
    count = match["count"]
    return today - timedelta(days=_NUMERALS.get(count) or int(count))


def _weekday(match: re.Match[str], today: date) -> date | None:
    """上周五 is of the week before this one; 本周五 and 周五 of this one, where that is not to come."""
    fields = match.groupdict()
    at = _WEEKDAYS.index(fields["weekday"].replace("天", "日"))
    monday = today - timedelta(days=today.weekday())
    day = monday + timedelta(days=at) - timedelta(weeks=len(fields["last"] or ""))
    return day if fields["last"] or fields["this"] or day <= today else day - timedelta(weeks=1)


def _english_weekday(match: re.Match[str], today: date) -> date:
    """The last day of that name before today."""
    back = (today.weekday() - _ENGLISH_DAYS.index(match["weekday"])) % 7 or 7
    return today - timedelta(days=back)


def _back(days: int) -> Reader:
    return lambda _, today: today - timedelta(days=days)


_PATTERNS: Final[tuple[tuple[re.Pattern[str], Reader], ...]] = tuple(
    (re.compile(pattern), reader)
    for pattern, reader in (
        (r"(?<!\d)(?P<year>\d{4})\s*年\s*(?P<month>\d{1,2})\s*月\s*(?P<day>\d{1,2})\s*[日号]?(?!\d)", _date),
        (r"(?<![\d.])(?P<year>(?:19|2\d)\d\d)([-/.])(?P<month>\d{1,2})\2(?P<day>\d{1,2})(?![\d.]\d|\d)", _date),
        (r"(?<![\d.])(?P<year>(?:19|20)\d\d)(?P<month>\d\d)(?P<day>\d\d)(?![\d.]\d|\d)", _date),
        (r"(?<!\d)(?P<month>\d{1,2})\s*月\s*(?P<day>\d{1,2})\s*[日号]", _date),
        (rf"\b{_MONTH}\s+(?P<day>\d{{1,2}}){_ORDINAL}(?:,?\s+(?P<year>\d{{4}}))?\b", _date),
        (rf"\b(?P<day>\d{{1,2}}){_ORDINAL}\s+(?:of\s+)?{_MONTH}(?:,?\s+(?P<year>\d{{4}}))?\b", _date),
        (rf"{_COUNT}\s*(?:天|日)(?:之?前|以前)", _ago),
        (r"\b(?P<count>\d{1,3})\s+days?\s+ago\b", _ago),
        (
            r"(?<![下每])(?<!下个)(?:(?P<last>上+)|(?P<this>[本这]))?个?(?:周|星期|礼拜)(?P<weekday>[一二三四五六日天])",
            _weekday,
        ),
        (rf"\b(?:last\s+|on\s+)(?P<weekday>{'|'.join(_ENGLISH_DAYS)})\b", _english_weekday),
        (r"大前[天日]", _back(3)),
        (r"前[天日]|\b(?:the\s+)?day\s+before\s+yesterday\b", _back(2)),
        (r"昨[天日晚]|\byesterday(?:'s)?\b", _back(1)),
        (r"今[天日晚]|\btoday(?:'s)?\b", _back(0)),
    )
)


def days_in(text: str, today: date) -> list[SaidDay]:
    """Return the days that a text names, in their order, none inside another.

    :param text: in half width and lower case.
    """
    found: list[SaidDay] = []
    for each in _every(text, today):
        if all(each.end <= other.start or each.start >= other.end for other in found):
            found.append(each)
    return sorted(found, key=lambda each: each.start)


def _every(text: str, today: date) -> Iterator[SaidDay]:
    for pattern, reader in _PATTERNS:
        for match in pattern.finditer(text):
            yield SaidDay(reader(match, today), match[0].strip(), match.start(), match.end())
