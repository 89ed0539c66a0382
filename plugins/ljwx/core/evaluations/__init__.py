"""Frozen question sets, answers, scorecards and paired intervals: how one model is compared with another.

Pure: never imports airflow, an HTTP client or a database driver, so that a score depends on its arguments alone.
"""

from ljwx.core.evaluations.baselines import Answerer, answer_all, majority, persistence
from ljwx.core.evaluations.calibration import Calibration, ReliabilityBin
from ljwx.core.evaluations.intervals import Interval, Resampling, accuracy_interval, paired_difference
from ljwx.core.evaluations.questions import Answer, Question, distribution, freeze, question_set_hash
from ljwx.core.evaluations.scorecard import Latency, Metrics, Scorecard, TaskScore, score
from ljwx.core.tasks import CLASSES

__all__ = [
    "CLASSES",
    "Answer",
    "Answerer",
    "Calibration",
    "Interval",
    "Latency",
    "Metrics",
    "Question",
    "ReliabilityBin",
    "Resampling",
    "Scorecard",
    "TaskScore",
    "accuracy_interval",
    "answer_all",
    "distribution",
    "freeze",
    "majority",
    "paired_difference",
    "persistence",
    "question_set_hash",
    "score",
]
