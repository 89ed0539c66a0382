"""Questions and answers, and how a question set is frozen. Pure: no airflow, no I/O, no clock."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import isfinite

from ljwx.core.tasks import CLASSES

ROUNDING_TOLERANCE = 0.02
"""How far from 1 three written probabilities may sum: each may be rounded to two digits, or cut."""


@dataclass(frozen=True)
class Question:
    """One case of a question set: a sample whose truth is known.

    :param session: the as-of session of the sample.
    :param label: the true class.
    :param previous_label: the class of the stock's most recent label that was mature at the as-of session
        (label_end <= as-of), which is what persistence answers; None if there is none.
    :raises ValueError: an unknown task, or a label that is not one of its classes.
    """

    sample_id: str
    task: str
    ts_code: str
    session: date
    label: str
    previous_label: str | None
    board: str
    industry: str

    def __post_init__(self) -> None:
        if self.task not in CLASSES:
            raise ValueError(f"question {self.sample_id}: unknown task {self.task!r}; known: {', '.join(CLASSES)}")
        for name, label in (("label", self.label), ("previous_label", self.previous_label)):
            if label not in CLASSES[self.task] and not (name == "previous_label" and label is None):
                raise ValueError(f"question {self.sample_id}: {name} {label!r} is no class of {self.task}")


@dataclass(frozen=True)
class ClaimCounts:
    """How many numbers and readings an answer claims, by what its snapshot says of them."""

    right: int = 0
    wrong: int = 0
    unsupported: int = 0


@dataclass(frozen=True)
class Answer:
    """What an answerer said to one question.

    :param valid: whether the answer kept to its schema. An invalid one counts as wrong; its label is never read.
    :param label: the class answered.
    :param probabilities: the probability of each class of the task, summing to 1; None if the answerer gave none.
    :param latency_s: seconds from request to last token.
    :param reason: machine-readable cause of an invalid answer.
    :param claims: of a valid answer that was held against its snapshot; None where it was not.
    :raises ValueError: a valid answer without label, an invalid one without reason, a negative or non-finite number.
    """

    sample_id: str
    valid: bool
    label: str | None
    probabilities: Mapping[str, float] | None = None
    latency_s: float = 0.0
    prompt_tokens: int = 0
    answer_tokens: int = 0
    reason: str | None = None
    claims: ClaimCounts | None = None

    def __post_init__(self) -> None:
        if self.valid and self.label is None:
            raise ValueError(f"answer {self.sample_id}: valid, but without a label")
        if not self.valid and not self.reason:
            raise ValueError(f"answer {self.sample_id}: invalid, but without a reason")
        if not isfinite(self.latency_s) or min(self.latency_s, self.prompt_tokens, self.answer_tokens) < 0:
            raise ValueError(f"answer {self.sample_id}: latency and token counts must be finite and not negative")


def distribution(task: str, written: Mapping[str, float]) -> dict[str, float] | None:
    """Return the probabilities a model wrote as a distribution over the task's classes, or None if they are none.

    Written numbers are rounded: a sum within ``ROUNDING_TOLERANCE`` of 1 is scaled to 1, any other is not believed.
    A missing or foreign class, a negative number, NaN or infinity make it None as well.
    """
    if set(written) != set(CLASSES[task]):
        return None
    if not all(isfinite(p) and p >= 0 for p in written.values()):
        return None
    total = sum(written.values())
    if abs(total - 1) > ROUNDING_TOLERANCE:
        return None
    return {name: written[name] / total for name in CLASSES[task]}


def question_set_hash(questions: Iterable[Question]) -> str:
    """Return the sha256 (hex) of a question set: of every field of every question, whatever their order."""
    lines = sorted(
        json.dumps(vars(question), ensure_ascii=False, sort_keys=True, default=date.isoformat) for question in questions
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def freeze(candidates: Collection[Question], size: int, seed: int) -> tuple[Question, ...]:
    """Choose the question set: stratified by task, session, board and class.

    Tasks get equal numbers (a task with too few candidates leaves the rest to the others). Within a task the numbers by
    session, board and class follow the candidates' own, so that a set of n differs from them by rounding only.
    The choice depends on the candidates and the seed, not on their order. The set is ordered by task, then session:
    requests that share a prompt prefix follow each other, which is what a server's prefix cache needs.

    :param size: questions wanted; with fewer candidates, all of them are taken.
    :raises ValueError: no candidate, a size below 1, or a sample_id that occurs twice.
    """
    if not candidates:
        raise ValueError("question set: no candidates; the validation split is empty")
    if size < 1:
        raise ValueError(f"question set: size must be at least 1, not {size}")
    if len({question.sample_id for question in candidates}) != len(candidates):
        raise ValueError("question set: a sample_id occurs twice among the candidates")
    by_task: dict[str, list[Question]] = defaultdict(list)
    for question in sorted(candidates, key=lambda question: _draw(seed, question.sample_id)):
        by_task[question.task].append(question)
    quotas = _equal_shares({task: len(by_task[task]) for task in CLASSES if task in by_task}, size)
    chosen = (question for task, quota in quotas.items() for question in _choose(by_task[task], quota, seed))
    order = list(CLASSES)
    return tuple(sorted(chosen, key=lambda q: (order.index(q.task), q.session, q.ts_code, q.sample_id)))


def _draw(seed: int, name: str) -> str:
    """Return a number for a name that looks random and is the same on every machine and run."""
    return hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()


def _equal_shares(available: Mapping[str, int], size: int) -> dict[str, int]:
    """Share ``size`` out equally, nobody getting more than is available; the smallest are served first."""
    shares, left = {}, min(size, sum(available.values()))
    ascending = sorted(available, key=lambda task: available[task])
    for served, task in enumerate(ascending):
        shares[task] = min(available[task], left // (len(ascending) - served))
        left -= shares[task]
    return shares


def _choose(questions: Sequence[Question], quota: int, seed: int) -> list[Question]:
    """Choose ``quota`` of one task's questions, which come in drawn order.

    Sessions get their share by cumulative rounding from a seeded start (systematic sampling), so that a small quota is
    spread evenly over time. Within a session the cell (board, class) furthest behind its share is served next.
    What a session's rounding leaves over is carried to the next, so that the totals by board and by class stay right.
    """
    by_session: dict[date, list[Question]] = defaultdict(list)
    for question in questions:
        by_session[question.session].append(question)
    behind: Counter[tuple[str, str]] = Counter()
    start = int(_draw(seed, "start"), 16) % len(questions)
    chosen: list[Question] = []
    seen = 0
    for session in sorted(by_session):
        here = by_session[session]
        seen += len(here)
        wanted = (seen * quota + start) // len(questions) - len(chosen)
        for question in here:
            behind.update({("board", question.board): quota, ("label", question.label): quota})
        chosen += _serve(here, wanted, len(questions), behind)
    return chosen


def _serve(
    questions: Sequence[Question], wanted: int, price: int, behind: Counter[tuple[str, str]]
) -> Iterator[Question]:
    """Yield ``wanted`` questions of one session; each lowers its board and its class in ``behind`` by ``price``."""
    waiting: dict[tuple[str, str], deque[Question]] = defaultdict(deque)
    for question in questions:
        waiting[question.board, question.label].append(question)
    cells = sorted(waiting)
    for _ in range(wanted):
        board, label = max(
            (cell for cell in cells if waiting[cell]),
            key=lambda cell: behind["board", cell[0]] + behind["label", cell[1]],
        )
        behind.subtract({("board", board): price, ("label", label): price})
        yield waiting[board, label].popleft()
