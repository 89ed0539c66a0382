"""Frozen question sets, answers, scorecards and paired intervals: how one model is compared with another.

Pure: never imports airflow, an HTTP client or a database driver, so that a score depends on its arguments alone.
"""

from ljwx.core.evaluations.baselines import Answerer, answer_all, majority, moving_averages, persistence
from ljwx.core.evaluations.calibration import Calibration, ReliabilityBin
from ljwx.core.evaluations.faithfulness import Faithfulness, count_claims
from ljwx.core.evaluations.freezing import freeze
from ljwx.core.evaluations.intervals import (
    Interval,
    Resampling,
    accuracy_interval,
    paired_difference,
    predictive_difference,
)
from ljwx.core.evaluations.logistic import (
    TRAIN_SAMPLES,
    fit_regression,
    in_all,
    logistic,
    numbers,
    numbers_at,
    regressions,
    unknown,
)
from ljwx.core.evaluations.masking import MaskedGap, masked_gap
from ljwx.core.evaluations.questions import ClaimCounts, Question, ScoredAnswer, distribution, question_set_hash
from ljwx.core.evaluations.ranking import RankIC, rank_ic
from ljwx.core.evaluations.scorecard import Latency, Metrics, Scorecard, TaskScore, score
from ljwx.core.evaluations.slices import Slice, regime, slice_scores
from ljwx.core.evaluations.token_probabilities import class_probabilities

__all__ = [
    "TRAIN_SAMPLES",
    "Answerer",
    "Calibration",
    "ClaimCounts",
    "Faithfulness",
    "Interval",
    "Latency",
    "MaskedGap",
    "Metrics",
    "Question",
    "RankIC",
    "ReliabilityBin",
    "Resampling",
    "Scorecard",
    "ScoredAnswer",
    "Slice",
    "TaskScore",
    "accuracy_interval",
    "answer_all",
    "class_probabilities",
    "count_claims",
    "distribution",
    "fit_regression",
    "freeze",
    "in_all",
    "logistic",
    "majority",
    "masked_gap",
    "moving_averages",
    "numbers",
    "numbers_at",
    "paired_difference",
    "persistence",
    "predictive_difference",
    "question_set_hash",
    "rank_ic",
    "regime",
    "regressions",
    "score",
    "slice_scores",
    "unknown",
]
