"""The lines of a prompt that an answer can cite, and the sentence that says each.

Pure: never imports airflow, an HTTP client or a database driver. The sentences hold the snapshot's own numbers and
words: what an answer cites is true by construction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, Final, Literal

from ljwx.core import features
from ljwx.core.features import FeatureGroup
from ljwx.core.features.citable import Citable
from ljwx.core.features.facts import Said
from ljwx.core.features.technical.citable import RISK
from ljwx.core.snapshots.fields import SIGNALS_SECTION
from ljwx.core.templates import Path

Language = Literal["zh", "en"]

_LEVEL: Final = Said("percent", "distance")
LEVELS: Final = (
    Citable("range", RISK, "区间", "expected range", (("range", "low"), ("range", "high")), Said("percent")),
    Citable("support", RISK, "支撑", "support", (("levels", "support"),), _LEVEL),
    Citable("resistance", RISK, "压力", "resistance", (("levels", "resistance"),), _LEVEL),
)
"""Lines of every snapshot."""


def citable_in(groups: Iterable[FeatureGroup]) -> tuple[Citable, ...]:
    """Every line of a prompt about a snapshot with these groups, in its order; lines of one kind stand together.

    :raises ValueError: two have one key.
    """
    first, *others = groups
    every = (*first.citable, *LEVELS, *(each for group in others for each in group.citable))
    keys = Counter(each.key for each in every)
    if len(keys) < len(every):
        raise ValueError(f"two facts have one key: {', '.join(key for key, count in keys.items() if count > 1)}")
    return every


def citable_template(citable: Iterable[Citable]) -> str:
    """The lines as text with places of the snapshot: key, number, word; those of one kind are one line of the text."""
    kinds = groupby(citable, key=lambda each: each.kind)
    return "\n".join(" ".join(_template(each) for each in alike) for _, alike in kinds)


def with_words(citable: Iterable[Citable], groups: Iterable[FeatureGroup]) -> tuple[Citable, ...]:
    """The lines, each number with the word of the signal that is made of it alone, where there is one."""
    signals = {signal.columns: signal for group in groups for signal in group.signals}
    return tuple(
        replace(each, signal=signals.get(frozenset({each.paths[0][1]}))) if _is_number_alone(each) else each
        for each in citable
    )


def _is_number_alone(each: Citable) -> bool:
    return each.signal is None and len(each.paths) == 1 and each.said.unit != "rank"


def _template(each: Citable) -> str:
    return " ".join((each.key, *_places(each)))


def _places(each: Citable) -> list[str]:
    numbers = "~".join(f"{{{'.'.join(path)}}}" for path in each.paths)
    word = f"{{{SIGNALS_SECTION}.{each.signal.name}}}" if each.signal else ""
    return [place for place in (numbers, word) if place]


def class_words(citable: Iterable[Citable]) -> dict[Path, dict[str, str]]:
    """Of the place of each signal among the lines, its words in those of the classes."""
    signals = (each.signal for each in citable if each.signal)
    return {(SIGNALS_SECTION, signal.name): signal.of_classes for signal in signals}


def there(citable: Iterable[Citable], facts: Mapping[str, Any]) -> tuple[Citable, ...]:
    """The lines that a parsed snapshot has something to say of: a level that is not there cannot be cited."""
    return tuple(each for each in citable if None not in (*_numbers(each, facts), _word(each, facts)))


def cited(facts: Mapping[str, Any]) -> dict[str, Citable]:
    """Every line that an answer about a parsed snapshot can cite, by its key."""
    return {each.key: each for each in there(citable_in(features.groups_of(facts)), facts)}


def sentence(each: Citable, facts: Mapping[str, Any], language: Language) -> str:
    """Tell a line in a few words without a full stop.

    :param facts: a parsed snapshot that the line is of.
    """
    numbers = [str(number) for number in _numbers(each, facts)]
    number = _TOLD[language](each, numbers) if numbers else ""
    if each.signal is None:
        return number
    word = str(_word(each, facts))
    if language == "zh":
        return f"{number},{each.signal.phrase(word)}" if number else each.signal.phrase(word)
    english = next((state.english for state in each.signal.states if state.word == word), word)
    return f"{number} ({each.signal.name} {english})" if number else f"{each.english}: {english}"


def _word(each: Citable, facts: Mapping[str, Any]) -> Any:
    """Its signal's word; empty without a signal."""
    return facts[SIGNALS_SECTION][each.signal.name] if each.signal else ""


def _numbers(each: Citable, facts: Mapping[str, Any]) -> list[Any]:
    return [facts[section][name] for section, name in each.paths]


def _chinese(each: Citable, numbers: Sequence[str]) -> str:
    number, unit = numbers[0], _unit(each)
    size = number.removeprefix("-")
    is_zero = not float(number)
    if len(numbers) > 1:
        return f"{each.name}为{'~'.join(f'{each}{unit}' for each in numbers)}"
    if each.said.unit == "rank":
        return f"{each.name}排名{number}"
    if each.said.means == "move" and not is_zero:
        return f"{each.name}{'跌' if number.startswith('-') else '涨'}{size}{unit}"
    if each.said.means == "distance" and not is_zero:
        return f"{each.name}在收盘价{'下' if number.startswith('-') else '上'}方{size}{unit}"
    return f"{each.name}为{size if each.said.means == 'fall' else number}{unit}"


def _english(each: Citable, numbers: Sequence[str]) -> str:
    number, unit = numbers[0], _unit(each)
    size = number.removeprefix("-")
    if len(numbers) > 1:
        return f"{each.english} {' to '.join(f'{each}{unit}' for each in numbers)}"
    if each.said.unit == "rank":
        return f"{each.english} at percentile {number}"
    if each.said.means == "distance" and float(number):
        return f"{each.english} {size}{unit} {'below' if number.startswith('-') else 'above'} the close"
    return f"{each.english} {size if each.said.means == 'fall' else number}{unit}"


_TOLD: Final = {"zh": _chinese, "en": _english}


def _unit(each: Citable) -> str:
    return "%" if each.said.unit == "percent" else ""
