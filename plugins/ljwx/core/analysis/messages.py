"""A message in free Chinese or English, read by rules: which stocks, as of which day, what is asked; or why not.

Pure: never imports airflow, an HTTP client or a database driver. Nothing of a message goes on but what is read here,
so that no wording of it can change what a model is asked.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from ljwx.core.analysis import refusals
from ljwx.core.analysis.analysis import Language
from ljwx.core.analysis.days import SaidDay, days_in
from ljwx.core.analysis.naming import Named, named_in
from ljwx.core.analysis.refusals import Refusal
from ljwx.core.analysis.stocks import Directory, KnownStock
from ljwx.core.analysis.subjects import (
    ASKED,
    ENGLISH_WORDS,
    FILLING,
    GENERAL,
    MARKET,
    MARKET_DAY,
    MARKET_WORDS,
    WHOLE,
)
from ljwx.core.analysis.vague import vague_in

MOST_CHARACTERS: Final = 2_000
MOST_STOCKS: Final = 5
_CHINESE: Final = re.compile("[\u4e00-\u9fff]")
_WORD: Final = re.compile("[a-z]{2,}")


@dataclass(frozen=True)
class Request:
    """What a message asks.

    :param day: None for the newest session. Today may have no session yet: the newest is meant then too.
    :param tasks: the questions it asks; empty for all.
    :param is_market: no stock is named, and the session of the whole market is asked about.
    :param unread: names that are compared with the stocks, and are those of none that is known.
    """

    stocks: tuple[KnownStock, ...]
    day: date | None
    tasks: tuple[str, ...]
    language: Language
    unread: tuple[str, ...] = ()
    is_market: bool = False


def read_message(message: str, directory: Directory, today: date) -> Request | Refusal:
    """Read a message; a refusal says in a sentence what is missing.

    :param today: the day in Shanghai on which it is asked.
    """
    text = unicodedata.normalize("NFKC", message).lower()
    if len(text) > MOST_CHARACTERS:
        return refusals.too_long(MOST_CHARACTERS, _language(text))
    said = days_in(text, today)
    named = named_in(_without(text, said), directory)
    language = _language(named.left)
    problem = _unknown(named, language) or _wrong_day(said, today, language) or _vague_day(named, said, language)
    problem = problem or _uncertain(named, language)
    if problem is not None:
        return problem
    if not named.stocks:
        return _of_market(named, said, language) or _without_stock(text, named, language)
    if len(named.stocks) > MOST_STOCKS:
        return refusals.too_many(MOST_STOCKS, language)
    return Request(named.stocks, said[0].day if said else None, _tasks(text), language, tuple(named.unread))


def _language(text: str) -> Language:
    return "zh" if _CHINESE.search(text) or not re.search("[a-z]", text) else "en"


def _without(text: str, said: Sequence[SaidDay]) -> str:
    """The text with days blanked out, so that no part of one is read as a code."""
    for each in said:
        text = text[: each.start] + " " * (each.end - each.start) + text[each.end :]
    return text


def _unknown(named: Named, language: Language) -> Refusal | None:
    return refusals.unknown(named.unknown[0], named.near, language) if named.unknown else None


def _uncertain(named: Named, language: Language) -> Refusal | None:
    """What fits several stocks, or may mean one or something else."""
    if named.several:
        words, stocks = named.several[0]
        return refusals.several(words, stocks, language)
    if named.unsure:
        words, stocks = named.unsure[0]
        return refusals.unsure(words, stocks, language)
    return None


def _vague_day(named: Named, said: Sequence[SaidDay], language: Language) -> Refusal | None:
    """Words of time that say no certain day; none is taken in their place."""
    is_named = bool(named.stocks or named.several or named.unsure)
    words = vague_in(named.left, with_day=bool(said)) if is_named else None
    return None if words is None else refusals.no_day(words, language)


def _wrong_day(said: Sequence[SaidDay], today: date, language: Language) -> Refusal | None:
    for each in said:
        if each.day is None:
            return refusals.no_day(each.text, language)
        if each.day > today:
            return refusals.future(each.day, language)
    days = {each.day for each in said}
    return refusals.several_days(sorted(each.text for each in said), language) if len(days) > 1 else None


def _without_stock(text: str, named: Named, language: Language) -> Refusal:
    is_about_stocks = GENERAL.search(text) or any(pattern.search(text) for pattern in ASKED.values())
    if MARKET.search(text) or not is_about_stocks:
        return refusals.other_subject(language)
    return refusals.unknown(named.rest, (), language) if named.rest else refusals.no_stock(language)


def _of_market(named: Named, said: Sequence[SaidDay], language: Language) -> Request | Refusal | None:
    """A question about the whole market, of a certain day; None where it is something else."""
    vague = vague_in(named.left, with_day=bool(said))
    rest = FILLING.sub(" ", named.left.replace(vague or " ", " "))
    odd = _WORD.sub(lambda word: "" if word[0] in ENGLISH_WORDS else word[0], rest)
    if not MARKET_DAY.search(named.left) or not MARKET_WORDS.fullmatch(odd):
        return None
    if vague is not None:
        return refusals.no_day(vague, language)
    return Request((), said[0].day if said else None, (), language, is_market=True)


def _tasks(text: str) -> tuple[str, ...]:
    """The questions that a message asks; none where it asks in general, as who asks whether to buy does."""
    asked = tuple(task for task, pattern in ASKED.items() if pattern.search(text))
    return () if WHOLE in asked else asked
