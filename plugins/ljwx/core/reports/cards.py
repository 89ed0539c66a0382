"""Scorecards as they were saved, read with patience: what an older or newer card lacks is None, and is shown so.

Pure: no airflow, no I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from ljwx.core.tasks import TASKS

FIRST = ("model", "champion", "base")
"""Cards that are shown before the others, in this order."""

NAMES = {
    "model": "this model 本模型",
    "champion": "champion 现任冠军",
    "base": "untuned base 未调基座",
    "majority": "majority of train 多数类",
    "persistence": "persistence 延续",
    "ma_rule": "moving-average rule 均线规则",
    "logistic": "logistic regression 逻辑回归",
}

SHOWN = {
    "n", "sessions", "accuracy", "accuracy_interval", "balanced_accuracy", "macro_f1", "mcc", "valid_share",
    "modal_share", "calibration", "latency", "answers_per_s", "prompt_tokens", "answer_tokens", "invalid_reasons",
    "classes", "confusion", "faithfulness", "rank_ic",
}  # fmt: skip
"""What the report's own tables and pictures tell of a card; everything else goes to `further`."""

TABLES = {"overall", "tasks", "slices", "differences"}
"""Parts of a card that have tables of their own."""

ELSEWHERE = {"resampling", "question_set", "bins"}
"""How numbers were made, which other parts tell."""


@dataclass(frozen=True)
class CardRow:
    """One answerer in the comparison. Shares are between 0 and 1, latencies seconds; None where it was not measured.

    :param accuracy: of all questions; `predicted` of those about the future, whose answer does not stand in the prompt.
    :param rank_ic: mean of the tasks that order stocks.
    :param ece: over `calibrated` answers.
    :param ece_of_perfect: how large `ece` may be by chance alone, at 95 %.
    :param faithful: share of the numbers and readings in the prose that the snapshot bears out.
    :param unchecked: share of the prose that is neither a number, a signal nor a known phrase.
    """

    key: str
    name: str
    predicted: float | None
    rank_ic: float | None
    accuracy: float | None
    low: float | None
    high: float | None
    balanced_accuracy: float | None
    macro_f1: float | None
    mcc: float | None
    brier: float | None
    calibrated: int | None
    ece: float | None
    ece_of_perfect: float | None
    valid_share: float | None
    faithful: float | None
    unchecked: float | None
    latency_p50: float | None
    latency_p95: float | None


@dataclass(frozen=True)
class TaskRow:
    """One task of the model. `confusion`: a row per true class; per answered class a column, and a last for invalid.

    :param copies: whether the right answer stands in the prompt: then it takes no skill.
    :param claims: numbers and readings that the valid answers claim; `faithful` is the share of right ones.
    :param rank_ic: mean over `rank_sessions` sessions.
    """

    task: str
    copies: bool
    n: int | None
    accuracy: float | None
    balanced_accuracy: float | None
    macro_f1: float | None
    mcc: float | None
    valid_share: float | None
    modal_share: float | None
    claims: int | None
    faithful: float | None
    unchecked: float | None
    rank_ic: float | None
    rank_low: float | None
    rank_high: float | None
    rank_sessions: int | None
    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class PartRow:
    """Some of the questions, or the difference from a rival on all of them; None where it was not measured.

    :param dimension: board, industry, regime; empty for a difference.
    :param share: accuracy, or the difference of accuracies.
    """

    dimension: str
    name: str
    n: int | None
    sessions: int | None
    share: float | None
    low: float | None
    high: float | None


def slices(card: Mapping[str, Any]) -> tuple[PartRow, ...]:
    """Return a row for each slice of a scorecard."""
    return tuple(
        PartRow(
            dimension, name, _number(part, "n"), _number(part, "sessions"), _number(part, "accuracy"),
            _number(part, "accuracy_interval", "low"), _number(part, "accuracy_interval", "high"),
        )
        for dimension, parts in (_at(card, "slices") or {}).items()
        for name, part in parts.items()
    )  # fmt: skip


def differences(card: Mapping[str, Any]) -> tuple[PartRow, ...]:
    """Return a row for each rival that a scorecard was compared with."""
    return tuple(
        PartRow(
            "", NAMES.get(name, name), _number(gap, "questions"), _number(gap, "sessions"), _number(gap, "estimate"),
            _number(gap, "low"), _number(gap, "high"),
        )
        for name, gap in (_at(card, "differences") or {}).items()
    )  # fmt: skip


def comparison(scorecards: Mapping[str, Any]) -> tuple[CardRow, ...]:
    """Return a row for each scorecard, the model's first, then the champion's and the untuned base's."""
    names = [name for name, card in scorecards.items() if isinstance(_at(card, "overall"), Mapping)]
    ranked = sorted(names, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name))
    return tuple(_row(name, scorecards[name]) for name in ranked)


def tasks(card: Mapping[str, Any]) -> tuple[TaskRow, ...]:
    """Return a row for each task of a scorecard."""
    return tuple(
        TaskRow(
            task, task in TASKS and TASKS[task].is_copying,
            _number(part, "n"), _number(part, "accuracy"), _number(part, "balanced_accuracy"),
            _number(part, "macro_f1"), _number(part, "mcc"), _number(part, "valid_share"),
            _number(part, "modal_share"), _number(part, "faithfulness", "claims"),
            _number(part, "faithfulness", "right"), _number(part, "faithfulness", "unchecked"),
            _number(part, "rank_ic", "mean"),
            _number(part, "rank_ic", "interval", "low"), _number(part, "rank_ic", "interval", "high"),
            _number(part, "rank_ic", "sessions"),
            tuple(part.get("classes", ())), tuple(map(tuple, part.get("confusion", ()))),
        )
        for task, part in (_at(card, "tasks") or {}).items()
    )  # fmt: skip


def further(scorecards: Mapping[str, Any]) -> tuple[tuple[str, float], ...]:
    """Return every number of the model's card, and of what is saved beside the cards, that no table shows."""
    model = scorecards.get("model") or {}
    found = list(_numbers({name: value for name, value in (_at(model, "overall") or {}).items() if name not in SHOWN}))
    for task, part in (_at(model, "tasks") or {}).items():
        own = {name: value for name, value in part.items() if name not in SHOWN}
        found += [(f"{task}: {name}", value) for name, value in _numbers(own)]
    found += _numbers({name: value for name, value in model.items() if name not in TABLES})
    return tuple(found + list(_numbers({n: c for n, c in scorecards.items() if _at(c, "overall") is None})))


def share_of(rows: Iterable[TaskRow]) -> tuple[float, int] | None:
    """Return what share of the questions of these tasks was answered rightly, and how many there were."""
    counted = [(row.accuracy, row.n) for row in rows if row.accuracy is not None and row.n]
    n = sum(of for _, of in counted)
    return (sum(accuracy * of for accuracy, of in counted) / n, n) if n else None


def _row(key: str, card: Mapping[str, Any]) -> CardRow:
    overall, parts = card["overall"], tasks(card)
    predicted = share_of(part for part in parts if not part.copies)
    ranked = [part.rank_ic for part in parts if part.rank_ic is not None]
    timed = _number(overall, "latency", "p95") != 0  # a rule answers at once
    return CardRow(
        key=key,
        name=NAMES.get(key, key),
        predicted=None if predicted is None else predicted[0],
        rank_ic=fmean(ranked) if ranked else None,
        accuracy=_number(overall, "accuracy"),
        low=_number(overall, "accuracy_interval", "low"),
        high=_number(overall, "accuracy_interval", "high"),
        balanced_accuracy=_number(overall, "balanced_accuracy"),
        macro_f1=_number(overall, "macro_f1"),
        mcc=_number(overall, "mcc"),
        brier=_number(overall, "calibration", "brier"),
        calibrated=_number(overall, "calibration", "n"),
        ece=_number(overall, "calibration", "ece"),
        ece_of_perfect=_number(overall, "calibration", "ece_of_perfect", "high"),
        valid_share=_number(overall, "valid_share"),
        faithful=_number(overall, "faithfulness", "right"),
        unchecked=_number(overall, "faithfulness", "unchecked"),
        latency_p50=_number(overall, "latency", "p50") if timed else None,
        latency_p95=_number(overall, "latency", "p95") if timed else None,
    )


def _at(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _number(value: Any, *path: str) -> Any:
    found = _at(value, *path)
    return found if isinstance(found, int | float) and not isinstance(found, bool) else None


def _numbers(value: Any, path: Sequence[str] = ()) -> Iterator[tuple[str, float]]:
    if isinstance(value, Mapping):
        interval = {"low", "high"} <= set(value)
        for name, part in value.items():
            if name not in ELSEWHERE and (not interval or name in {"low", "high"}):
                yield from _numbers(part, (*path, str(name)))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield " · ".join(path), value
