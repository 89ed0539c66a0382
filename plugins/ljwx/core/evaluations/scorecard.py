"""The scorecard: what one answerer's answers to a question set are worth. Pure: no airflow, no I/O, no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from pydantic import BaseModel, ConfigDict

from ljwx.core.evaluations import metrics
from ljwx.core.evaluations.calibration import Calibration, calibrate
from ljwx.core.evaluations.faithfulness import Faithfulness, faithfulness
from ljwx.core.evaluations.intervals import Interval, Resampling, accuracy_interval
from ljwx.core.evaluations.masking import MaskedGap
from ljwx.core.evaluations.pairing import pair
from ljwx.core.evaluations.questions import Question, ScoredAnswer, question_set_hash
from ljwx.core.evaluations.ranking import RankIC, rank_ic
from ljwx.core.evaluations.slices import Slice
from ljwx.core.tasks import TASKS

Pair = tuple[Question, ScoredAnswer]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Latency(_Frozen):
    """Seconds per answer, invalid ones included; quantiles by linear interpolation."""

    mean: float
    p50: float
    p90: float
    p95: float
    p99: float


class Metrics(_Frozen):
    """The metrics of a set of answers. Shares are between 0 and 1.

    :param valid_share: answers that kept to the schema; the others count as wrong in all that follows.
    :param modal_share: share of the class answered most often, among valid answers; None if no answer is valid.
    :param answers_per_s: None where neither a wall-clock time nor a latency was measured.
    """

    n: int
    sessions: int
    valid_share: float
    accuracy: float
    accuracy_interval: Interval | None
    balanced_accuracy: float
    macro_f1: float
    mcc: float
    modal_share: float | None
    calibration: Calibration | None
    latency: Latency
    answers_per_s: float | None
    prompt_tokens: int
    answer_tokens: int
    invalid_reasons: dict[str, int]
    faithfulness: Faithfulness | None = None


class TaskScore(Metrics):
    """The metrics of one task.

    :param confusion: a row per true class, a column per answered class and, last, one for invalid answers.
    :param rank_ic: None for a task that is not about returns, and where no session has an order to find.
    """

    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    rank_ic: RankIC | None = None


class Scorecard(_Frozen):
    """One answerer on one question set.

    In ``overall``, accuracy, shares, calibration and latency are of all answers together; balanced accuracy, macro-F1
    and MCC are the mean of the tasks' (their classes differ); ``modal_share`` is the largest of the tasks'.

    :param slices: by board, industry and regime; empty where they were not asked for.
    :param masked: against the same questions without name, code and date; None where they were not asked.
    :param differences: accuracy less that of each rival on the same questions, but those whose answer stands in the
        prompt; None where the sessions are too few.
    :param left_out: numbers of the snapshots that the answerer did without, because some snapshot has none.
    """

    question_set: str
    overall: Metrics
    tasks: dict[str, TaskScore]
    slices: dict[str, dict[str, Slice]] = {}
    masked: MaskedGap | None = None
    differences: dict[str, Interval | None] = {}
    left_out: tuple[str, ...] = ()


def score(
    questions: Sequence[Question],
    answers: Iterable[ScoredAnswer],
    *,
    wall_s: float | None = None,
    resampling: Resampling | None = None,
) -> Scorecard:
    """Score one answerer's answers.

    :param wall_s: seconds the whole set took; without it answers/s is of one request after the other.
    :param resampling: how to make the intervals of accuracy; without it there are none.
    :raises ValueError: no questions; a question with no answer or two; an answer to no question; a valid answer
        whose label is no class of its task, or whose probabilities are no distribution over the task's classes.
    """
    pairs = pair(questions, answers)
    tasks = {task: [p for p in pairs if p[0].task == task] for task in TASKS}
    scores = {task: _task_score(task, members, resampling) for task, members in tasks.items() if members}
    parts = list(scores.values())
    modal_shares = [part.modal_share for part in parts if part.modal_share is not None]
    overall = _metrics(
        pairs,
        _Confusion(
            accuracy=sum(part.accuracy * part.n for part in parts) / len(pairs),
            balanced_accuracy=fmean(part.balanced_accuracy for part in parts),
            macro_f1=fmean(part.macro_f1 for part in parts),
            mcc=fmean(part.mcc for part in parts),
            modal_share=max(modal_shares, default=None),
        ),
        resampling,
        wall_s,
    )
    return Scorecard(question_set=question_set_hash(questions), overall=overall, tasks=scores)


@dataclass(frozen=True)
class _Confusion:
    """The metrics that come from the confusion matrix."""

    accuracy: float
    balanced_accuracy: float
    macro_f1: float
    mcc: float
    modal_share: float | None


def _task_score(task: str, pairs: Sequence[Pair], resampling: Resampling | None) -> TaskScore:
    classes = TASKS[task].classes
    confusion = np.zeros((len(classes), len(classes) + 1), dtype=np.int64)
    for question, answer in pairs:
        column = classes.index(_class_answered(question, answer)) if answer.valid else len(classes)
        confusion[classes.index(question.label), column] += 1
    answered = confusion[:, :-1].sum(axis=0)
    summary = _Confusion(
        accuracy=metrics.accuracy(confusion),
        balanced_accuracy=metrics.balanced_accuracy(confusion),
        macro_f1=metrics.macro_f1(confusion),
        mcc=metrics.mcc(confusion),
        modal_share=float(answered.max() / answered.sum()) if answered.any() else None,
    )
    rows = tuple(tuple(map(int, row)) for row in confusion)
    common = dict(_metrics(pairs, summary, resampling, None))
    return TaskScore(**common, classes=classes, confusion=rows, rank_ic=rank_ic(pairs, resampling))


def _class_answered(question: Question, answer: ScoredAnswer) -> str:
    if answer.label is None or answer.label not in TASKS[question.task].classes:
        raise ValueError(f"answer {answer.sample_id}: valid, but {answer.label!r} is no class of {question.task}")
    return answer.label


def _metrics(
    pairs: Sequence[Pair], confusion: _Confusion, resampling: Resampling | None, wall_s: float | None
) -> Metrics:
    questions, answers = [question for question, _ in pairs], [answer for _, answer in pairs]
    seconds = sum(answer.latency_s for answer in answers) if wall_s is None else wall_s
    return Metrics(
        n=len(pairs),
        sessions=len({question.session for question in questions}),
        valid_share=sum(answer.valid for answer in answers) / len(answers),
        accuracy=confusion.accuracy,
        accuracy_interval=accuracy_interval(questions, answers, resampling) if resampling else None,
        balanced_accuracy=confusion.balanced_accuracy,
        macro_f1=confusion.macro_f1,
        mcc=confusion.mcc,
        modal_share=confusion.modal_share,
        calibration=calibrate(pairs),
        latency=_latency(answers),
        answers_per_s=len(answers) / seconds if seconds > 0 else None,
        prompt_tokens=sum(answer.prompt_tokens for answer in answers),
        answer_tokens=sum(answer.answer_tokens for answer in answers),
        invalid_reasons=dict(sorted(Counter(a.reason for a in answers if not a.valid and a.reason).items())),
        faithfulness=faithfulness(answers),
    )


def _latency(answers: Sequence[ScoredAnswer]) -> Latency:
    seconds = np.array([answer.latency_s for answer in answers])
    p50, p90, p95, p99 = map(float, np.quantile(seconds, [0.5, 0.9, 0.95, 0.99]))
    return Latency(mean=float(seconds.mean()), p50=p50, p90=p90, p95=p95, p99=p99)
