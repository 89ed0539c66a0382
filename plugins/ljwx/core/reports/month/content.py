"""All that the page of a month says, gathered from the record. Pure: no airflow, no I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal

import polars as pl

from ljwx.core.forward.chain import MEANING, Batch
from ljwx.core.forward.earned import EarnedBy
from ljwx.core.forward.over_time import Course
from ljwx.core.forward.scores import Score
from ljwx.core.forward.settled import counting, tasks_of
from ljwx.core.reports.month.words import LABEL, NOT_SHOWN, NOT_SHOWN_BY_IT, RISKS, VERDICTS, Found, Words
from ljwx.core.tasks import TASKS

Kind = Literal["model", "base", "rule"]
RATES: Final = "class_rates"


@dataclass(frozen=True)
class Asked:
    """A kind of question in the sessions of the month whose classes mean the same.

    :param meant: the settings that say which class comes true; `meaning` is their digest.
    :param questions: about a stock as of a session; `settled`: those with an outcome that count, `open`: those that
        wait for it.
    :param without: why there will never be an outcome → questions.
    """

    task: str
    classes: tuple[str, ...]
    horizon: int
    meaning: str
    meant: Mapping[str, Any]
    sessions: int
    stocks: int
    questions: int
    settled: int
    open: int
    without: Mapping[str, int]


@dataclass(frozen=True)
class Recipe:
    """What is known of a model of ours beside its answers."""

    line_id: str | None
    strategy: str
    base: str
    dataset_id: str


@dataclass(frozen=True)
class Answerer:
    """Who answered in the month.

    :param digest: of the model on its server; None of a rule. ``recipe``: None of a rule and of an untuned base.
    :param late: answers that count nowhere; ``invalid``: those that gave no class a probability.
    """

    answerer: str
    digest: str | None
    kind: Kind
    recipe: Recipe | None
    first: date
    last: date
    answers: int
    late: int
    invalid: int


@dataclass(frozen=True)
class Sealed:
    """A session of the month. ``state``: counts, gap (nobody was asked), late (sealed after its deadline) or open."""

    session: date
    state: Literal["counts", "gap", "late", "open"]
    answers: int
    late: int
    digest: str | None = None
    previous: str | None = None
    deadline: datetime | None = None
    sealed_at: datetime | None = None
    published_at: datetime | None = None


@dataclass(frozen=True)
class Verdict:
    """Whether a model said more than class rates on a task, over the whole record up to the month's end."""

    answerer: str
    digest: str | None
    task: str
    meaning: str
    state: Found
    chinese: str
    english: str


@dataclass(frozen=True)
class MonthPage:
    """What the page shows, and its JSON says.

    :param month: ``2026-11``. ``first``: of the record; ``last``: session of the month that is known.
    :param known_at: when the newest outcome of the month's sessions was written; None while there is none.
    :param whole: all its sessions are over, and each question has an outcome or a reason why it never will.
    :param revised: outcomes of the month that a later correction of bars changed; the newest is shown.
    :param head: digest of the month's last sealed session; everything before hangs on it.
    :param earned: simulated portfolios of answers up to `last`; each with what it leaves out.
    """

    month: str
    first: date
    last: date
    known_at: datetime | None
    whole: bool
    revised: int
    head: str | None
    asked: tuple[Asked, ...]
    answerers: tuple[Answerer, ...]
    sessions: tuple[Sealed, ...]
    verdicts: tuple[Verdict, ...]
    scores: tuple[Score, ...]
    courses: tuple[Course, ...]
    earned: tuple[EarnedBy, ...]
    bounds: str
    made_with: str
    not_shown: tuple[Words, ...] = NOT_SHOWN
    ai_generated: bool = True
    label: Words = LABEL
    risk: Words = RISKS

    @property
    def gaps(self) -> tuple[date, ...]:
        """Sessions of the month that nobody was asked about."""
        return tuple(each.session for each in self.sessions if each.state == "gap")

    @property
    def late(self) -> int:
        """Answers of the month that came after a deadline."""
        return sum(each.late for each in self.sessions)

    @property
    def open(self) -> int:
        """Questions of the month that wait for their outcome."""
        return sum(each.open for each in self.asked)

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that have scores."""
        return tuple(dict.fromkeys(each.task for each in self.scores))

    @property
    def meanings(self) -> Mapping[str, Mapping[str, Any]]:
        """What each meaning stands for."""
        return {each.meaning: each.meant for each in self.asked}


def asked_in(rows: pl.DataFrame, batches: Sequence[Batch]) -> tuple[Asked, ...]:
    """Return what was asked.

    :param rows: SETTLED frame of the month.
    """
    specs = {each.meaning: each.spec for each in batches}
    found = []
    for task in tasks_of(rows):
        settled = counting(rows, task)
        for alike in rows.filter(task=task).partition_by("meaning", maintain_order=True):
            meaning = alike.item(0, "meaning")
            questions = alike.unique(["session", "ts_code"])
            reasons = questions.filter(pl.col("reason").is_not_null())["reason"].value_counts(sort=True)
            waiting = questions.filter(pl.col("label").is_null() & pl.col("reason").is_null())
            found.append(
                Asked(
                    task=task,
                    classes=tuple(TASKS[task].classes),
                    horizon=alike.item(0, "horizon"),
                    meaning=meaning,
                    meant={name: specs[meaning].get(name) for name in MEANING},
                    sessions=questions["session"].n_unique(),
                    stocks=questions["ts_code"].n_unique(),
                    questions=len(questions),
                    settled=settled.filter(meaning=meaning).select("session", "ts_code").n_unique(),
                    open=len(waiting),
                    without=dict(reasons.iter_rows()),
                )
            )
    return tuple(found)


def answered_by(rows: pl.DataFrame, recipes: Mapping[tuple[str, str | None], Recipe]) -> tuple[Answerer, ...]:
    """Return who answered, models first.

    :param rows: SETTLED frame of the month.
    :param recipes: of the models that we made, by name and digest.
    """
    counted = rows.group_by("answerer", "digest").agg(
        pl.col("session").min().alias("first"),
        pl.col("session").max().alias("last"),
        pl.len().alias("answers"),
        pl.col("late").sum(),
        pl.col("probabilities").is_null().sum().alias("invalid"),
    )
    found = []
    for name, digest, *numbers in counted.sort("answerer", "digest").iter_rows():
        recipe = recipes.get((name, digest))
        kind: Kind = "rule" if digest is None else "base" if recipe is None else "model"
        found.append(Answerer(name, digest, kind, recipe, *numbers))
    return tuple(sorted(found, key=lambda each: ("model", "base", "rule").index(each.kind)))


def sealed_in(rows: pl.DataFrame, batches: Sequence[Batch], days: Sequence[date]) -> tuple[Sealed, ...]:
    """Return the sessions of the month.

    :param rows: SETTLED frame of the month, and `batches` those of it.
    :param days: the exchange's sessions of the month since the record began, up to the newest that is complete.
    """
    late = dict(rows.group_by("session").agg(pl.col("late").sum()).iter_rows())
    there = {each.session: each for each in batches}
    return tuple(
        _sealed(there[day], late.get(day, 0)) if day in there else Sealed(day, "gap", 0, 0)
        for day in sorted({*days, *there})
    )


def verdicts_of(scores: Sequence[Score]) -> tuple[Verdict, ...]:
    """Return of each model and task whether it said more than class rates, over the whole record."""
    found = []
    for each in scores:
        if each.window.name == "all" and each.digest is not None:
            words = VERDICTS[_found(each)]
            found.append(
                Verdict(each.answerer, each.digest, each.task, each.meaning, _found(each), words.chinese, words.english)
            )
    return tuple(found)


def _found(score: Score) -> Found:
    gain = next((each.log for each in score.skills if each.rival == RATES), None)
    if gain is None or gain.low <= 0 <= gain.high:
        return NOT_SHOWN_BY_IT
    return "shown" if gain.low > 0 else "worse"


def _sealed(batch: Batch, late: int) -> Sealed:
    after = batch.sealed_at is not None and batch.sealed_at >= batch.deadline
    return Sealed(
        session=batch.session,
        state="open" if batch.sealed_at is None else "late" if after else "counts",
        answers=batch.answers or 0,
        late=late,
        digest=batch.digest,
        previous=batch.previous,
        deadline=batch.deadline,
        sealed_at=batch.sealed_at,
        published_at=batch.published_at,
    )
