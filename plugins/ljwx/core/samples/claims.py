"""Is what an answer says true of its snapshot? Every number and every reading in it is looked up.

Pure: never imports airflow, an HTTP client or a database driver. Classes and probabilities are opinions, not
checked here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from ljwx.core.samples.readings import PHRASES, RULES, STATES

_FACTS: Final[tuple[tuple[str, tuple[str, str]], ...]] = (
    *((f"RSI{n}", ("features", f"rsi_{n}")) for n in (6, 12, 14, 24)),
    ("RSI", ("features", "rsi_14")),
    *((f"MA{n}", ("features", f"ma_{n}")) for n in (5, 10, 20, 60)),
    *((f"{n}日{word}", ("features", f"ret_{n}")) for n in (1, 5, 10, 20) for word in ("涨跌幅", "涨跌", "涨幅", "")),
    ("20日波动", ("features", "vol_20")),
    ("波动", ("features", "vol_20")),
    ("60日回撤", ("features", "drawdown_60")),
    ("回撤", ("features", "drawdown_60")),
    ("MACD", ("features", "macd_hist")),
    ("布林", ("features", "boll_pct_b")),
    ("量比", ("features", "volume_ratio_5")),
    ("ADX", ("features", "adx_14")),
    ("CCI", ("features", "cci_14")),
    ("MFI", ("features", "mfi_14")),
    ("K", ("features", "kdj_k")),
    ("D", ("features", "kdj_d")),
    ("J", ("features", "kdj_j")),
    ("支撑", ("levels", "support")),
    ("压力", ("levels", "resistance")),
)
"""Names of numbers in prose, and where the snapshot has them; the longest name that fits is meant."""

_NAMES: Final = "|".join(re.escape(name) for name, _ in sorted(_FACTS, key=lambda f: -len(f[0])))
_NUMBER: Final = r"[-+]?\d+(?:\.\d+)?"
_NAMED: Final = re.compile(rf"(?P<name>{_NAMES})(?P<verb>[^\d,,。;;+\-]{{0,4}}?)(?P<number>{_NUMBER})(?!日|\d)")
_BARE: Final = re.compile(_NUMBER)
_PLACE: Final = dict(_FACTS)
_FALLS: Final = ("跌", "降", "低", "回撤")
_SUBJECTS: Final = {r.subject: r.name for r in RULES} | {
    "KDJ": "kdj",
    "MA": "ma",
    "RSI14": "rsi",
    "成交量": "volume",
    "布林带": "boll",
}
_WORDS: Final = {w: [r.name for r in RULES if w in r.words] for r in RULES for w in r.words}
_WORD: Final = re.compile("|".join(sorted(map(re.escape, _WORDS), key=len, reverse=True)))
_SUBJECT: Final = re.compile("|".join(sorted(map(re.escape, _SUBJECTS), key=len, reverse=True)))


Verdict = Literal["right", "wrong", "unsupported"]


@dataclass(frozen=True)
class Claim:
    """One number or reading in an answer, held against the snapshot.

    :param verdict: right; wrong, because the snapshot has another value for what was named; or unsupported, because
        the snapshot says nothing of the kind.
    :param text: the claim and, unless it is right, what the snapshot has.
    """

    verdict: Verdict
    text: str


def claims(answer: str | Mapping[str, Any], snapshot: str | Mapping[str, Any]) -> tuple[Claim, ...]:
    """Every number and reading in an answer, each with its verdict.

    :param answer: a checked answer, as JSON text or parsed.
    :param snapshot: the snapshot it was given, as JSON text or parsed.
    """
    said = json.loads(answer) if isinstance(answer, str) else answer
    facts = json.loads(snapshot) if isinstance(snapshot, str) else snapshot
    return (
        *_fields(said, facts),
        *_numbers(str(said.get("analysis", "")), facts),
        *_words(str(said.get("analysis", "")), facts),
    )


def unsupported_claims(answer: str | Mapping[str, Any], snapshot: str | Mapping[str, Any]) -> tuple[str, ...]:
    """What an answer claims and its snapshot does not hold; empty when all is supported."""
    return tuple(claim.text for claim in claims(answer, snapshot) if claim.verdict != "right")


def _fields(said: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[Claim]:
    """Claims of the structured fields: reasons, states, levels, range."""
    for phrase in (*said.get("reasons", ()), *said.get("factors", ())):
        rule, word = PHRASES.get(phrase, ("", ""))
        if not rule:
            yield Claim("unsupported", f"{phrase}: not a reading of the snapshot")
        elif facts["readings"][rule] != word:
            yield Claim("wrong", f"{phrase}: not a reading of the snapshot")
        else:
            yield Claim("right", phrase)
    expected = {r.name: facts["readings"][r.name] for r in STATES} | dict(facts["levels"]) | {"range": facts["range"]}
    for field, value in expected.items():
        if field in said:
            told = f"{field} {said[field]}"
            same = said[field] == value
            yield Claim("right", told) if same else Claim("wrong", f"{told}: the snapshot has {value}")


def _numbers(prose: str, facts: Mapping[str, Any]) -> Iterator[Claim]:
    """Claims of the numbers in prose: a named one against its fact, a bare one against all facts."""
    rest = prose
    for match in _NAMED.finditer(prose):
        group, key = _PLACE[match["name"]]
        told = f"{match['name']} {match['number']}"
        if _told(match["number"], facts[group][key], falls=any(w in match["verb"] for w in _FALLS)):
            yield Claim("right", told)
        else:
            yield Claim("wrong", f"{told}: the snapshot has {facts[group][key]}")
        rest = rest.replace(match[0], " ", 1)
    rest = re.sub(rf"{_NAMES}|\d+日", " ", rest)
    known = [v for group in ("bar", "features", "ranks", "levels", "range") for v in facts[group].values()]
    for match in _BARE.finditer(rest):
        if any(_told(match[0], value, falls=False) for value in known):
            yield Claim("right", match[0])
        else:
            yield Claim("unsupported", f"{match[0]}: no such number in the snapshot")


def _told(text: str, value: float | None, *, falls: bool) -> bool:
    """Whether a number as told, at the precision it is told, is the value; "跌3.2" tells -3.2."""
    if value is None:
        return False
    decimals = len(text.partition(".")[2])
    slack = 0.5 * 10.0**-decimals + 1e-9
    told = float(text)
    return abs(told - value) <= slack or (falls and told > 0 and abs(-told - value) <= slack)


def _words(prose: str, facts: Mapping[str, Any]) -> Iterator[Claim]:
    """Claims of reading words in prose: of the subject named last in the clause, or of any reading when none is."""
    for match in _WORD.finditer(prose):
        clause = re.split(r"[,,。;;]", prose[: match.start()])[-1]
        named = [_SUBJECTS[s] for s in _SUBJECT.findall(clause)]
        owners = [n for n in named[-1:] if n in _WORDS[match[0]]] or ([] if named else _WORDS[match[0]])
        told = f"{named[-1] if named else 'no reading'} {match[0]}"
        if any(facts["readings"].get(n) == match[0] for n in owners):
            yield Claim("right", told)
        else:
            yield Claim("wrong" if named and owners else "unsupported", f"{told}: the snapshot does not say so")
