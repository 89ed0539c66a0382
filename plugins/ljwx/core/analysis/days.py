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
_DIGITS: Final = {
    "〇": 0,
    "零": 0,
    "一": 1,
    "两": 2,
    "二": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
}
_ENGLISH_NUMBERS: Final = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
_TENS: Final = "[一两二三四五六七八九]?十[一二三四五六七八九]?|[一两二三四五六七八九]"
_COUNT: Final = rf"(?<![\d.一两二三四五六七八九十百千几])(?P<count>\d{{1,3}}|{_TENS})"
_MONTH_ZH: Final = r"(?P<month>\d{1,2}|十[一二]?|[一二三四五六七八九])\s*月"
_DAY_ZH: Final = r"(?P<day>\d{1,2}|[二三]?十[一二三四五六七八九]?|[一二三四五六七八九])"
_YEAR_WORDS: Final = {"大前年": -3, "前年": -2, "去年": -1, "上年": -1, "今年": 0, "本年": 0, "明年": 1, "后年": 2}
_SIGNS: Final = "[〇零○一二三四五六七八九]"
_YEAR_ZH: Final = (
    rf"(?P<year>\d{{4}}年|(?<!\d)\d{{2}}年|"
    rf"{_SIGNS}{{4}}年|{_SIGNS}{{2}}年|{'|'.join(_YEAR_WORDS)})的?"
)
_NOT_ALONE: Final = re.compile(
    r"\s*(?:(?:[之以])?前(?!景|期|高|低|复权|途)|(?:之|以)后|后(?!市|续|期|复权)|以来|起|至今|到(?:现在|今天|目前)|前后|左右|附近|上下|"
    r"的?(?:前|后|次|第二)(?:一个?|1个?|两|二)?(?:交易)?(?:天|日)|的?(?:上|前)(?:一个?|1个?)(?:周|星期|月|年))"
)
"""What follows a day and makes another one of it, or several."""
_NOT_ALONE_BEFORE: Final = re.compile(
    r"(?:\b(?:before|after|since|until|till|around|about|by|near|prior\s+to|earlier\s+than|following|days?\s+from)\s+"
    r"(?:the\s+)?|(?:早于|晚于|自从|自)\s*)$"
)
_ORDINAL: Final = r"(?:st|nd|rd|th)?"

_ENGLISH_YEARS: Final = {"last": -1, "this": 0, "next": 1}

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
    month, day = fields["month"], _number(fields["day"])
    number = _month(month) if month.isascii() and month.isalpha() else _number(month)
    if fields.get("year"):
        return _made(_year(fields["year"], today), number, day)
    this_year = _made(today.year, number, day)
    # A day without a year is the last one of that name: of the days to come nothing is known.
    late = this_year is None or this_year > today
    return _made(today.year - 1, number, day) if late else this_year


def _year(words: str, today: date) -> int:
    """A year as it is written: 2025, 25年, 去年, 二〇二五年, last."""
    if words in _YEAR_WORDS or words in _ENGLISH_YEARS:
        return today.year + (_YEAR_WORDS | _ENGLISH_YEARS)[words]
    written = words.removesuffix("年").replace("○", "〇")
    digits = written if written.isdecimal() else "".join(str(_DIGITS[sign]) for sign in written)
    return int(digits) + (0 if len(digits) == 4 else 2000 if int(digits) <= today.year - 2000 + 1 else 1900)


def _number(words: str) -> int:
    """A number up to 99, or one in digits: 15, 十五, 二十, fifteen."""
    if words.isdecimal():
        return int(words)
    if words in _ENGLISH_NUMBERS:
        return _ENGLISH_NUMBERS.index(words) + 1
    tens, ten, ones = words.rpartition("十")
    return (10 * _DIGITS.get(tens, 1) if ten else 0) + _DIGITS.get(ones, 0)


def _made(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _month(name: str) -> int:
    return next(at for at, month in enumerate(_MONTHS, start=1) if month.startswith(name[:3]))


def _ago(match: re.Match[str], today: date) -> date:
    return today - timedelta(days=_number(match["count"]))


def _unclear(match: re.Match[str], today: date) -> None:
    """Words that name a day, and do not say which."""


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
        (rf"(?<![\d零〇一二三四五六七八九]){_YEAR_ZH}\s*{_MONTH_ZH}\s*{_DAY_ZH}\s*[日号]?(?!\d|[个天]月?)", _date),
        (r"(?<![\d.])(?P<year>(?:19|2\d)\d\d)([-/.])(?P<month>\d{1,2})\2(?P<day>\d{1,2})(?![\d.]\d|\d)", _date),
        (r"(?<![\d.])(?P<year>(?:19|20)\d\d)(?P<month>\d\d)(?P<day>\d\d)(?![\d.]\d|\d)", _date),
        (rf"(?<![\d年十]){_MONTH_ZH}\s*{_DAY_ZH}\s*[日号]", _date),
        (r"(?<![\d年十])(?P<month>\d{1,2})\s*月\s*(?P<day>\d{1,2})(?![\d.%元块万亿个天周月年])", _date),
        (rf"\b(?P<year>last|this|next)\s+year(?:'s)?,?\s+(?:on\s+)?{_MONTH}\s+(?P<day>\d{{1,2}}){_ORDINAL}\b", _date),
        (rf"\b{_MONTH}\s+(?P<day>\d{{1,2}}){_ORDINAL},?\s+(?:of\s+)?(?P<year>last|this|next)\s+year\b", _date),
        (
            rf"\b(?P<day>\d{{1,2}}){_ORDINAL}\s+(?:of\s+)?{_MONTH},?\s+(?:of\s+)?(?P<year>last|this|next)\s+year\b",
            _date,
        ),
        (rf"\b{_MONTH}\s+(?P<day>\d{{1,2}}){_ORDINAL}(?:,?\s+(?P<year>\d{{4}}))?\b", _date),
        (rf"\b(?P<day>\d{{1,2}}){_ORDINAL}\s+(?:of\s+)?{_MONTH}(?:,?\s+(?P<year>\d{{4}}))?\b", _date),
        (rf"{_COUNT}\s*天\s*(?:之?前|以前)", _ago),
        (rf"\b(?<!\d\.)(?P<count>\d{{1,3}}|{'|'.join(_ENGLISH_NUMBERS)})\s+days?\s+ago\b", _ago),
        (
            r"(?<![下每])(?<!下个)(?:(?P<last>上+)|(?P<this>[本这]))?个?(?:周|星期|礼拜)(?P<weekday>[一二三四五六日天])",
            _weekday,
        ),
        (rf"\b(?:last\s+|on\s+)(?P<weekday>{'|'.join(_ENGLISH_DAYS)})\b", _english_weekday),
        (r"大大+前[天日]", _unclear),
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
            more = _NOT_ALONE.match(text, match.end())
            before = _NOT_ALONE_BEFORE.search(text, 0, match.start())
            start, end = before.start() if before else match.start(), more.end() if more else match.end()
            day = reader(match, today) if more is None and before is None else None
            yield SaidDay(day, text[start:end].strip(), start, end)
