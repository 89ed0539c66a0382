"""Evidence that may be looked at daily: is one answerer better than another, over any number of looks?

Pure: never imports airflow, an HTTP client, a database driver or a clock, so that the same sessions always give the
same evidence. ``sessions`` makes one number of a session's answers, ``betting`` adds the sessions up, ``days`` the days
after them, ``budget`` shares out the error rate among those who challenge, ``confidence`` and ``size`` say how large a
difference is.
"""

from ljwx.core.evidence.betting import Course, follow
from ljwx.core.evidence.budget import Budget, Stake
from ljwx.core.evidence.confidence import Bounds, confidence_bounds
from ljwx.core.evidence.days import DailyMoves, daily_moves, follow_days, of_days
from ljwx.core.evidence.scale import as_shares, chance_of_rank_ics, usual_bounds
from ljwx.core.evidence.sessions import Counted, SessionDifference, rank_differences
from ljwx.core.evidence.size import Size, size_of, smallest_visible
from ljwx.core.evidence.statistics import ScoreDifference, mean_ranks, rank_ics, score_difference
from ljwx.core.evidence.weighing import Weighed, weigh_days, weigh_rank_ics, weigh_scores

__all__ = [
    "Bounds",
    "Budget",
    "Counted",
    "Course",
    "DailyMoves",
    "ScoreDifference",
    "SessionDifference",
    "Size",
    "Stake",
    "Weighed",
    "as_shares",
    "chance_of_rank_ics",
    "confidence_bounds",
    "daily_moves",
    "follow",
    "follow_days",
    "mean_ranks",
    "of_days",
    "rank_differences",
    "rank_ics",
    "score_difference",
    "size_of",
    "smallest_visible",
    "usual_bounds",
    "weigh_days",
    "weigh_rank_ics",
    "weigh_scores",
]  # fmt: skip
