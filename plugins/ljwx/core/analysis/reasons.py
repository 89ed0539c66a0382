"""What a model gave as the reasons of an answer, line by line, each held against the snapshot.

Pure: never imports airflow, an HTTP client or a database driver. Words of the model are shown as they came, in quotes;
a line that says something wrong is marked as a whole, and followed by what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ljwx.core.analysis.analysis import Analysis, Judgement, Language, Line
from ljwx.core.claims.check import check
from ljwx.core.features.technical.signals import PHRASES, SIGNAL, STATES
from ljwx.core.snapshots.citable import cited, sentence
from ljwx.core.snapshots.fields import SIGNALS_SECTION
from ljwx.core.tasks.forms import CITED

_ENGLISH: Final[Mapping[str, str]] = {
    "rsi": "RSI", "macd": "MACD", "kdj": "KDJ", "boll": "Bollinger bands", "ma": "moving averages", "obv": "flow",
}  # fmt: skip
"""What signals are called in English, where their own names are no words."""
_FIELDS: Final = {
    **{signal.name: (signal.subject, _ENGLISH.get(signal.name, signal.name)) for signal in STATES},
    "support": ("支撑", "support"), "resistance": ("压力", "resistance"), "range": ("区间", "expected range"),
}  # fmt: skip
"""Fields of an answer that the snapshot holds too, and what they are called."""
_BECAUSE: Final = {"zh": "理由:", "en": "Reason: "}


@dataclass(frozen=True)
class Counted:
    """How many numbers and readings answers hold: right ones, others, and phrases that cannot be checked."""

    right: int = 0
    wrong: int = 0
    unchecked: int = 0

    def __add__(self, other: Counted) -> Counted:
        return Counted(self.right + other.right, self.wrong + other.wrong, self.unchecked + other.unchecked)


def counted(judgement: Judgement, facts: Mapping[str, Any]) -> Counted:
    """Count what an answer claims."""
    if judgement.fields is None:
        return Counted()
    found = check(judgement.fields, facts)
    wrong = len(found.unsupported)
    return Counted(len(found.claims) - wrong, wrong, len(found.unchecked))


def claims(analysis: Analysis) -> Counted:
    """Count the numbers and readings of all answers."""
    return sum((counted(each, analysis.facts) for each in analysis.judgements), Counted())


def reasons(judgement: Judgement, facts: Mapping[str, Any], language: Language) -> Iterator[Line]:
    """Yield the reasons of a valid answer, and what its other fields say wrong; what is said twice, once."""
    yield from dict.fromkeys(_reasons(judgement.fields or {}, facts, language))


def _reasons(fields: Mapping[str, Any], facts: Mapping[str, Any], language: Language) -> Iterator[Line]:
    for key in fields.get(CITED, ()):
        yield _cited(str(key), facts, language)
    for phrase in (*fields.get("reasons", ()), *fields.get("factors", ())):
        yield _phrase(str(phrase), facts, language)
    yield from _wrong_fields(fields, facts, language)
    if fields.get("analysis"):
        yield from _prose(str(fields["analysis"]), facts, language)


def _cited(key: str, facts: Mapping[str, Any], language: Language) -> Line:
    known = cited(facts)
    why = _BECAUSE[language]
    if key not in known:
        return Line(f"{why}{key}", "wrong")
    return Line(f"{why}{sentence(known[key], facts, language)}", "checked")


def _phrase(phrase: str, facts: Mapping[str, Any], language: Language) -> Line:
    """A signal that was named, which holds or does not."""
    name, word = PHRASES.get(phrase, ("", ""))
    has, said = facts[SIGNALS_SECTION].get(name), f"{_BECAUSE[language]}{phrase}"
    if language == "en" and name:
        said = f"{_BECAUSE[language]}{_ENGLISH.get(name, name)} {_english(name, word)}"
    if name and has == word:
        return Line(said, "checked")
    if language == "zh":
        return Line(f"{said}(当日是「{has}」)" if has else f"{said}(当日事实中没有)", "wrong")
    actual = f"the session has: {_english(name, has)}" if has else "not among the session's facts"
    return Line(f"{said} ({actual})", "wrong")


def _english(name: str, word: str) -> str:
    """The English of a signal's word."""
    return next((state.english for state in SIGNAL[name].states if state.word == word), word)


def _wrong_fields(fields: Mapping[str, Any], facts: Mapping[str, Any], language: Language) -> Iterator[Line]:
    """States, levels and range that an answer gives otherwise than the snapshot; the right ones are shown as facts."""
    states = {signal.name: facts[SIGNALS_SECTION][signal.name] for signal in STATES}
    actual = {**states, **facts["levels"], "range": facts["range"]}
    for name, called in _FIELDS.items():
        if name in fields and fields[name] != actual[name]:
            said, has = (_shown(name, value, language) for value in (fields[name], actual[name]))
            if language == "zh":
                yield Line(f"模型说{called[0]}为{said},当日是{has}", "wrong")
            else:
                yield Line(f"The model gives {called[1]} as {said}; the session has {has}", "wrong")


def _shown(name: str, value: Any, language: Language) -> str:
    if value is None:
        return "无" if language == "zh" else "none"
    if isinstance(value, Mapping):
        return "~".join(f"{share}%" for share in sorted(value.values()))
    if isinstance(value, float):
        return f"{value}%"
    return str(value) if language == "zh" or name not in SIGNAL else _english(name, str(value))


def _prose(text: str, facts: Mapping[str, Any], language: Language) -> Iterator[Line]:
    """The model's own words, and below them what of them is wrong or cannot be checked."""
    found = check({"analysis": text}, facts)
    quoted = f"模型原话:「{text}」" if language == "zh" else f'In the model\'s words: "{text}"'
    wrong = found.unsupported
    mark = "wrong" if wrong else "unchecked" if found.unchecked or not found.claims else "checked"
    yield Line(quoted, mark)  # type: ignore[arg-type]
    for claim in wrong:
        yield Line(_about("其中与事实不符", "Of that is wrong", claim, language), "wrong")
    for words in found.unchecked:
        yield Line(_about("其中无法核对", "Of that cannot be checked", words, language), "unchecked")


def _about(zh: str, en: str, claim: str, language: Language) -> str:
    """Say what is the matter with a claim; the checker speaks English, so that Chinese keeps its first part alone."""
    if language == "zh":
        return f"{zh}:{claim.split(': ')[0]}"
    return f"{en}: {claim}".replace("the snapshot", "the session")
