"""What is said to a message that cannot be answered: one sentence on what is missing, and what to write instead.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from ljwx.core.analysis.analysis import Language
from ljwx.core.analysis.stocks import KnownStock

MOST_SHOWN: Final = 5
EXAMPLE: Final = {"zh": "例如「分析000001.SZ的投资价值」", "en": 'such as "Analyse 000001.SZ"'}


@dataclass(frozen=True)
class Refusal:
    """Why a message is not answered.

    :param kind: in a word for a program.
    :param text: a sentence for the person.
    """

    kind: str
    text: str
    language: Language


def _of(kind: str, language: Language, zh: str, en: str) -> Refusal:
    return Refusal(kind, zh if language == "zh" else en, language)


def no_stock(language: Language) -> Refusal:
    """No stock is named."""
    return _of(
        "no_stock", language,
        f"请写明是哪只股票:代码、名称或拼音都可以,{EXAMPLE['zh']}。",
        f"Please name a stock by its code, its Chinese name or pinyin, {EXAMPLE['en']}.",
    )  # fmt: skip


def other_subject(language: Language) -> Refusal:
    """The message is about something else."""
    return _of(
        "other_subject", language,
        "我只依据行情事实分析 A 股个股,也能说说当日大盘(「今天大盘怎么样」),不回答其他问题。"
        f"请写明股票,{EXAMPLE['zh']}。",
        "I analyse single A-shares from market data, tell what a session of the market was like, and answer nothing "
        f"else. Please name a stock, {EXAMPLE['en']}.",
    )  # fmt: skip


def unknown(words: str, near: Sequence[KnownStock], language: Language) -> Refusal:
    """What was named is no stock that is known."""
    meant = "、".join(stock.shown for stock in near[:MOST_SHOWN])
    return _of(
        "unknown", language,
        f"没有找到「{words}」这只股票" + (f";是否指 {meant}?" if meant else f"。请写代码或全名,{EXAMPLE['zh']}。"),
        f'No stock "{words}" is known' + (f"; is it {meant}?" if meant else f". Write its code, {EXAMPLE['en']}."),
    )  # fmt: skip


def unsure(words: str, stocks: Sequence[KnownStock], language: Language) -> Refusal:
    """What was written is close to a stock's name, and may mean something else."""
    meant = "、".join(stock.shown for stock in stocks[:MOST_SHOWN])
    return _of(
        "unsure", language,
        f"「{words}」是否指 {meant}?如果是,请写代码或全名再问一次。",
        f'Is "{words}" {meant}? If so, please ask again with its code.',
    )  # fmt: skip


def several(words: str, stocks: Sequence[KnownStock], language: Language) -> Refusal:
    """What was named fits several stocks."""
    shown = "、".join(stock.shown for stock in stocks[:MOST_SHOWN])
    more = len(stocks) > MOST_SHOWN
    return _of(
        "several", language,
        f"「{words}」对应多只股票:{shown}{'等' if more else ''}。请写明代码。",
        f'"{words}" fits several stocks: {shown}{" and more" if more else ""}. Please give the code.',
    )  # fmt: skip


def too_many(most: int, language: Language) -> Refusal:
    """More stocks are named than are answered at a time."""
    return _of(
        "too_many", language,
        f"一次最多分析 {most} 只股票,请分几次提问。",
        f"At most {most} stocks are analysed at a time; please ask about fewer.",
    )  # fmt: skip


def too_long(most: int, language: Language) -> Refusal:
    """The message is longer than one that is read."""
    return _of(
        "too_long", language,
        f"问题太长:最多 {most} 个字。请只写股票、日期和想知道的内容,{EXAMPLE['zh']}。",
        f"The message is too long: {most} characters at most. Write stock, day and what you ask, {EXAMPLE['en']}.",
    )  # fmt: skip


def no_day(text: str, language: Language) -> Refusal:
    """A date that is none, or words that do not say which day."""
    return _of(
        "no_day", language,
        f"「{text}」不是一个日期,或没有说清是哪一天;请写成 2026-06-30 这样。",
        f'"{text}" is no day, or no certain one; write it like 2026-06-30.',
    )  # fmt: skip


def several_days(texts: Sequence[str], language: Language) -> Refusal:
    """Several days are named."""
    return _of(
        "several_days", language,
        f"一次只回答一个日期,这里有 {'、'.join(texts)};请写明以哪一天收盘为准。",
        f"One day at a time, please; there are {', '.join(texts)}.",
    )  # fmt: skip


def future(day: date, language: Language) -> Refusal:
    """A day that is still to come."""
    return _of(
        "future", language,
        f"{day} 还没有到,没有那一天的行情。可以问最近一个交易日收盘后的分析,{EXAMPLE['zh']}。",
        f"{day} has not come yet. Ask for an analysis as of the newest session instead, {EXAMPLE['en']}.",
    )  # fmt: skip


def unread(names: Sequence[str], language: Language) -> str:
    """Say beside an answer which names in the message are no stock's."""
    shown = ("、" if language == "zh" else ", ").join(
        f"「{name}」" if language == "zh" else f'"{name}"' for name in names
    )
    if language == "zh":
        return f"没有找到{shown}这只股票,下面的分析不含它。"
    return f"No stock {shown} is known; what follows leaves it out."
