"""Numbers and words of a snapshot in Chinese prose: what they are called there, and whether they are right.

Pure: never imports airflow, an HTTP client or a database driver.

A number is a claim about the fact named right before it in the same clause, with at most four characters between. One
without such a name is unsupported, whatever the snapshot holds: of a hundred facts one always comes near. Periods
("5日") are no claims.

A word of a signal is a claim about the subject named last before it in the clause, of those that can have the word; of
any signal when no subject is named. Price limits and broken levels are claims too. A clause that speaks of the future
holds opinions, and its words are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from ljwx.core.features import GROUPS
from ljwx.core.features.facts import RANKS
from ljwx.core.features.technical.signals import MOVES
from ljwx.core.snapshots.facts import signals_in
from ljwx.core.snapshots.fields import SIGNALS_SECTION, fields


@dataclass(frozen=True)
class ProseClaim:
    """One claim in prose.

    :param holds: None: the snapshot says nothing of the kind.
    :param has: what the snapshot has instead, or why it cannot say.
    """

    text: str
    holds: bool | None
    has: str


_SIGNALS: Final = signals_in(GROUPS)
_NAMED_FIELDS: Final = [(name, field.path) for field in fields(GROUPS, horizon=0) for name in field.names]
_RANKS: Final = {name: path for name, path in _NAMED_FIELDS if path[0] == RANKS}
"""What these names mean in a clause that has spoken of ranks."""
_PLACE: Final = _RANKS | {name: path for name, path in _NAMED_FIELDS if path[0] != RANKS}
"""Names of numbers in prose, and where the snapshot has them; the longest name that fits is meant."""


def _whole(name: str) -> str:
    """A name as a whole: "K" is not in "KDJ", "5日" not in "15日", and "RSI14" is no RSI of 14."""
    begin = r"(?<![A-Za-z\d])" if name[0].isascii() else ""
    periods = "|".join(longer.removeprefix(name) for longer in _PLACE if re.fullmatch(rf"{re.escape(name)}\d+", longer))
    end = rf"(?!(?:{periods})(?![\d.]))" if periods else ""
    return begin + re.escape(name) + end + (r"(?![\d.])" if name[-1].isdigit() else "")


def _any(names: Iterable[str]) -> str:
    return "|".join(map(_whole, sorted(names, key=len, reverse=True)))


_NUMBER: Final = r"[-+]?\d+(?:\.\d+)?"
_NAMED: Final = re.compile(
    rf"(?P<name>{_any(_PLACE)})(?![A-Za-z])(?P<verb>[^\d,,。;;.+\-]{{0,4}}?)(?P<number>{_NUMBER})(?![\d.日天])"
    rf"(?:%?[~至到](?P<upto>{_NUMBER}))?"
)
_NO_CLAIM: Final = re.compile(rf"{_any(_PLACE)}|\d+(?:个交易)?[日天]")
_CLAUSE: Final = re.compile(r"[^,,。;;]+")
_FALLS: Final = ("跌", "降", "低", "回撤")
_ABOVE: Final = ("高于", "大于", "超过")
_BELOW: Final = ("低于", "小于", "不足")


def numbers(prose: str, facts: Mapping[str, Any]) -> Iterator[ProseClaim]:
    """Every number in prose, against the fact it is said to be."""
    for clause in _CLAUSE.findall(prose):
        for match in _NAMED.finditer(clause):
            yield _named(match, facts, ranked="排名" in clause[: match.start("number")])
        rest = _NO_CLAIM.sub(" ", _NAMED.sub(" ", clause))
        yield from (ProseClaim(bare, None, "no fact is named for it") for bare in re.findall(_NUMBER, rest))


def _named(match: re.Match[str], facts: Mapping[str, Any], *, ranked: bool) -> ProseClaim:
    name = match["name"]
    group, key = (_RANKS if ranked and name in _RANKS else _PLACE)[name]
    value = facts.get(group, {}).get(key)
    holds = _is_true(match["verb"], match["number"], value)
    if match["upto"]:
        holds = holds and name == "区间" and _is_true("", match["upto"], facts[group]["high"])
    return ProseClaim(f"{name} {match['number']}", holds, f"the snapshot has {value}")


def _is_true(verb: str, number: str, value: float | None) -> bool:
    """Whether a number is the value at the precision it is written with; "跌3.2" means -3.2, "超过70" any above."""
    if value is None:
        return False
    said, slack = float(number), 0.5 * 10.0 ** -len(number.partition(".")[2]) + 1e-9
    if any(word in verb for word in _ABOVE):
        return value > said
    if any(word in verb for word in _BELOW):
        return value < said
    falls = said > 0 and any(word in verb for word in _FALLS)
    return abs(said - value) <= slack or (falls and abs(-said - value) <= slack)


_SUBJECTS: Final = {subject: signal.name for signal in _SIGNALS for subject in (signal.subject, *signal.also)}
_SUBJECT: Final = re.compile(_any(_SUBJECTS))
_OWNERS: Final = {
    word: [signal.name for signal in _SIGNALS if word in signal.words] for signal in _SIGNALS for word in signal.words
}
_WORD: Final = re.compile("|".join(sorted(map(re.escape, _OWNERS), key=len, reverse=True)))
_SAYS: Final = {
    "大涨": ("大涨", "上涨"),
    "大跌": ("大跌", "下跌"),
    "涨停": ("涨停", "触及涨停"),
    "跌停": ("跌停", "触及跌停"),
}
"""Words that say a milder one too."""
_NOT: Final = re.compile(r"(?:未|没有|没|不|非|无)$")
_FUTURE: Final = re.compile("未来|后市|预计|预期|有望|可能|或将|将会|若|如果")
_LIMIT: Final = re.compile("(?:触及)?(?:涨停|跌停)")
_BREAK: Final = re.compile(
    r"(?:(?P<up>突破|站上|升破)|跌破|失守)(?:了|上方|下方)?(?P<what>压力|阻力|支撑|上轨|下轨|"
    r"MA(?:5|10|20|60)(?!\d)|(?:5|10|20|60)日均?线)"
)
_SILENT: Final = "the snapshot does not say so"


def words(prose: str, facts: Mapping[str, Any]) -> Iterator[ProseClaim]:
    """Every signal, price limit and broken level in prose."""
    for clause in _CLAUSE.findall(prose):
        if _FUTURE.search(clause):
            continue
        for match in _WORD.finditer(clause):
            yield _signal(match[0], clause[: match.start()], facts[SIGNALS_SECTION])
        for match in _LIMIT.finditer(clause):
            limit = facts.get("limit", "未知")
            holds = None if limit == "未知" else match[0] in _SAYS.get(limit, (limit,))
            yield _turned(match[0], holds, clause[: match.start()], f"the snapshot has {limit}")
        for match in _BREAK.finditer(clause):
            yield _turned(match[0], _is_broken(match, facts), clause[: match.start()], _SILENT)


def _signal(word: str, before: str, signals: Mapping[str, str]) -> ProseClaim:
    spoken = [_SUBJECTS[subject] for subject in _SUBJECT.findall(before)]
    named = [name for name in spoken if word in MOVES or not name.startswith("ret_")]  # "今日放量" is of the volume
    owners = [name for name in named if name in _OWNERS[word]][-1:]
    text = f"{(owners or named[-1:] or ['no signal'])[0]} {word}"
    free = not owners and (not named or word in MOVES)
    has = [signals[name] for name in (_OWNERS[word] if free else owners) if name in signals]
    holds = any(word in _SAYS.get(said, (said,)) for said in has) if has else None
    turned = _turned(text, holds, before, _SILENT)
    return turned if owners or turned.holds else replace(turned, holds=None)


def _turned(text: str, holds: bool | None, before: str, has: str) -> ProseClaim:
    """A claim, or its opposite where the words before it deny it."""
    denied = _NOT.search(before) is not None
    return ProseClaim(f"not {text}" if denied else text, (not holds) if denied and holds is not None else holds, has)


def _is_broken(match: re.Match[str], facts: Mapping[str, Any]) -> bool | None:
    """Whether the close is beyond a level; None for what the snapshot does not say.

    A support is below the close and a resistance above it; where there is none the close is beyond them all.
    """
    up, what = match["up"] is not None, match["what"]
    if what in ("压力", "阻力"):
        return facts["levels"]["resistance"] is None if up else None
    if what == "支撑":
        return None if up else facts["levels"]["support"] is None
    if what in ("上轨", "下轨"):
        boll = facts[SIGNALS_SECTION].get("boll")
        return bool(boll == f"{what}之{'上' if up else '下'}") if up == (what == "上轨") else None
    away = facts["features"].get(f"ma_{re.findall(r'[0-9]+', what)[0]}")
    return None if away is None else bool((away < 0) if up else (away > 0))
