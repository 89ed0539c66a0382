"""Where an answerer is good and where it is not: by board, industry and market regime. Pure: no I/O, no clock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from ljwx.core.evaluations.intervals import Interval, Resampling, mean_interval
from ljwx.core.evaluations.pairing import is_right, pair
from ljwx.core.evaluations.questions import Question, ScoredAnswer

TURN: Final = 0.03
"""Mean return of all stocks over 20 sessions from which on a market is rising; from its negative down it is falling."""

UNKNOWN: Final = "unknown"


class Slice(BaseModel):
    """Some of the questions: how many, over how many sessions, and how they were answered. Shares are from 0 to 1.

    :param accuracy_interval: None where the sessions are too few.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    n: int
    sessions: int
    valid_share: float
    accuracy: float
    accuracy_interval: Interval | None


def regime(market_return: float | None) -> str:
    """Name the market's state as of a session: rising, falling, sideways, or unknown.

    :param market_return: equal-weight mean of the stocks' returns over the 20 sessions up to that one, as a fraction;
        it is known at the session's close, so that the slices do not look ahead.
    """
    if market_return is None:
        return UNKNOWN
    if market_return >= TURN:
        return "rising"
    return "falling" if market_return <= -TURN else "sideways"


def slice_scores(
    questions: Sequence[Question],
    answers: Iterable[ScoredAnswer],
    market_returns: Mapping[date, float | None],
    resampling: Resampling,
) -> dict[str, dict[str, Slice]]:
    """Return the score of each board, industry and regime, in the order of their names.

    :param market_returns: see :func:`regime`; a session that is not there has an unknown one.
    :raises ValueError: see :func:`ljwx.core.evaluations.pairing.pair`.
    """
    groups: dict[str, dict[str, list[tuple[Question, ScoredAnswer]]]] = {
        dimension: defaultdict(list) for dimension in ("board", "industry", "regime")
    }
    for question, answer in pair(questions, answers):
        groups["board"][question.board].append((question, answer))
        groups["industry"][question.industry].append((question, answer))
        groups["regime"][regime(market_returns.get(question.session))].append((question, answer))
    return {
        dimension: {name: _slice(members[name], resampling) for name in sorted(members)}
        for dimension, members in groups.items()
    }


def _slice(pairs: Sequence[tuple[Question, ScoredAnswer]], resampling: Resampling) -> Slice:
    right = np.array([is_right(*both) for both in pairs], dtype=np.float64)
    days = [question.session for question, _ in pairs]
    return Slice(
        n=len(pairs),
        sessions=len(set(days)),
        valid_share=sum(answer.valid for _, answer in pairs) / len(pairs),
        accuracy=float(right.mean()),
        accuracy_interval=mean_interval(days, right, resampling, lowest=0),
    )
