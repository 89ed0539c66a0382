"""Logistic regression on the numbers of the snapshots: what the facts alone can tell. Pure: no airflow, no I/O.

scikit-learn is loaded only when a regression is fitted: it takes a second and a hundred megabytes.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ljwx.core.evaluations.baselines import Answerer
from ljwx.core.evaluations.questions import Question, ScoredAnswer
from ljwx.core.features import GROUPS
from ljwx.core.snapshots.facts import facts_in
from ljwx.core.tasks import TASKS

SECTIONS: Final = tuple(sorted({fact.section for fact in facts_in(GROUPS)}))
"""The objects of a snapshot that hold numbers; a number may be null where its source does not carry it."""

TRAIN_SAMPLES: Final = 5000
"""Samples of each task that a regression is fitted on, at most: more change it little and cost memory."""

LEAST: Final = math.log(1e-6)
"""Of a log score: no probability counts as less."""

Floats = NDArray[np.float64]


def unknown(snapshots: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Name the numbers that are null in some snapshot, as ``group.name``: a source of k-lines has no amounts."""
    found = {
        f"{section}.{name}"
        for snapshot in snapshots
        for section, name in _places(snapshot)
        if snapshot[section][name] is None
    }
    return tuple(sorted(found))


def numbers(snapshot: Mapping[str, Any], without: Collection[str] = ()) -> tuple[float, ...]:
    """Return the numbers of a snapshot in the order of their names: percents, indicators and ranks.

    :param without: those to leave out, of :func:`unknown`.
    """
    places = ((section, name) for section, name in _places(snapshot) if f"{section}.{name}" not in without)
    return tuple(float(snapshot[section][name]) for section, name in places)


def in_all(snapshots: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Name the numbers that every snapshot has, as ``group.name``: snapshots of two datasets may have other groups."""
    common: set[str] | None = None
    for snapshot in snapshots:
        there = {f"{section}.{name}" for section, name in _places(snapshot) if snapshot[section][name] is not None}
        common = there if common is None else common & there
    return tuple(sorted(common or ()))


def numbers_at(snapshot: Mapping[str, Any], names: Iterable[str]) -> tuple[float, ...]:
    """Return the named numbers of a snapshot, of :func:`in_all`."""
    places = (name.split(".", 1) for name in names)
    return tuple(float(snapshot[section][name]) for section, name in places)


def _places(snapshot: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Where a snapshot has numbers, in the order of their names; an older one may lack a section."""
    return ((section, name) for section in SECTIONS for name in sorted(snapshot.get(section, ())))


def logistic(
    train: Iterable[tuple[str, str, tuple[float, ...]]],
    asked: Mapping[str, tuple[float, ...]],
    rates: Mapping[str, Mapping[str, float]] | None = None,
) -> Answerer:
    """Fit one multinomial regression a task on standardised numbers (L2, C = 1), and return it as an answerer.

    A task whose train samples have one class only gets that class.

    :param train: task, class and :func:`numbers` of each sample of the train split.
    :param asked: :func:`numbers` of each question, by sample_id.
    :param rates: task → class → how often it came true in the train period. Samples are weighted so that classes are as
        frequent as that, whatever balancing chose them; without it they count alike.
    :raises ValueError: when it is asked about a task without train samples, or a question whose numbers are not known.
    """
    found = regressions(train, rates)

    def answer(question: Question) -> ScoredAnswer:
        if question.task not in found or question.sample_id not in asked:
            raise ValueError(f"logistic: nothing to answer {question.sample_id} ({question.task}) from")
        given = found[question.task].shares(asked[question.sample_id])
        shares = {name: given.get(name, 0.0) for name in TASKS[question.task].classes}
        return ScoredAnswer(question.sample_id, True, max(shares, key=lambda name: shares[name]), shares)

    return answer


def regressions(
    train: Iterable[tuple[str, str, tuple[float, ...]]],
    rates: Mapping[str, Mapping[str, float]] | None = None,
    inverse_penalties: Mapping[str, float] | None = None,
) -> dict[str, Regression]:
    """Fit one regression a task, as :func:`logistic` does.

    :param inverse_penalties: task → C, the inverse of the penalty's strength; 1 without it.
    """
    rows: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    labels: dict[str, list[str]] = defaultdict(list)
    for task, label, values in train:
        rows[task].append(values)
        labels[task].append(label)
    weighed, penalties = rates or {}, inverse_penalties or {}
    return {
        task: fit_regression(np.array(rows[task]), labels[task], weighed.get(task), penalties.get(task, 1.0))
        for task in rows
    }


class Regression:
    """A fitted regression, or the one class there was."""

    def __init__(self, model: Any, only: str | None) -> None:
        self._model, self._only = model, only

    def shares(self, values: tuple[float, ...]) -> dict[str, float]:
        """Return the probability of each class that was among the samples, from :func:`numbers`."""
        if self._only is not None:
            return {self._only: 1.0}
        (row,) = self._model.predict_proba(np.array([values]))
        return {str(name): float(share) for name, share in zip(self._model.classes_, row, strict=True)}

    def log_score(self, rows: Floats, labels: Sequence[str]) -> float:
        """Return the mean logarithm of what it gave to the true class; a class that it does not know counts 1e-6."""
        if self._only is not None:
            return fmean(0.0 if label == self._only else LEAST for label in labels)
        places = {str(name): at for at, name in enumerate(self._model.classes_)}
        logs = np.maximum(self._model.predict_log_proba(rows), LEAST)
        return fmean(
            float(row[places[label]]) if label in places else LEAST for row, label in zip(logs, labels, strict=True)
        )


def fit_regression(
    rows: Floats, labels: list[str], rates: Mapping[str, float] | None, inverse_penalty: float
) -> Regression:
    """Fit one regression.

    :param rows: [N, numbers]; ``labels`` [N].
    :param rates: class → the share that it is to count for, whatever its share of the labels.
    :param inverse_penalty: C, the inverse of the penalty's strength.
    """
    if len(set(labels)) == 1:
        return Regression(None, labels[0])
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
    from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]
    from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, C=inverse_penalty))
    drawn = Counter(labels)
    weights = None if rates is None else [rates.get(each, 0.0) * len(labels) / drawn[each] for each in labels]
    return Regression(model.fit(rows, labels, logisticregression__sample_weight=weights), None)
