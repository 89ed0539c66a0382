"""From the answers of one line to one task to what the watch sees. Pure: no airflow, no I/O, no clock."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ljwx.core.forward.market import Market
from ljwx.core.forward.settled import matrix, signals
from ljwx.core.forward.watch import (
    Check,
    Watched,
    class_distances,
    standing_rank_ics,
    watch_coverage,
    watch_shares,
    watch_skill,
)
from ljwx.core.tasks import TASKS

Floats = NDArray[np.float64]

REFERENCE: Final = 120
"""Sessions of the record that what follows is held against."""
ALLOWED: Final = 0.05
"""Share of the questions that may be left unanswered, or answered late."""


def watch_answers(
    answers: pl.DataFrame, task: str, market: Market, horizon: int, asked: Floats, reference: int = REFERENCE
) -> tuple[Watched, ...]:
    """Watch skill, class shares, refusals and coverage of the answers to one task.

    :param answers: SETTLED rows of one answerer and the task, each of a session and a stock of the market; outcomes
        are not needed, since days tell on answers before their horizon is over.
    :param market: of the exchange's sessions from the first of the record to the newest.
    :param asked: (sessions) questions of each of the market's sessions; 0 where the session is a gap.
    :return: the checks that have begun; empty while the record is no longer than its reference.
    """
    if len(market.sessions) <= reference:
        return ()
    in_time = answers.filter(~pl.col("late"))
    answered, refused, shares = _by_session(in_time, task, market)
    with np.errstate(invalid="ignore", divide="ignore"):
        refusals = np.where(answered > 0, refused / answered, np.nan)
        missing = np.where(asked > 0, 1 - answered / asked, 1.0)
    found = [_skill(in_time, task, market, horizon, reference)]
    series: tuple[tuple[Check, Floats], ...] = (
        ("classes", class_distances(shares, reference)),
        ("refusals", refusals),
    )
    found += [watch_shares(name, {"": each[:reference]}, {"": each[reference:]}) for name, each in series]
    found.append(watch_coverage(np.clip(missing[reference:], 0, 1), ALLOWED))
    return tuple(each for each in found if each is not None)


def _by_session(answers: pl.DataFrame, task: str, market: Market) -> tuple[Floats, Floats, Floats]:
    """Return of each session the answers, those without probabilities, and the mean probability of each class."""
    place = {session: at for at, session in enumerate(market.sessions)}
    at = np.array([place[session] for session in answers["session"]], dtype=np.intp)
    said, valid = matrix(answers, task), answers["probabilities"].is_not_null().to_numpy()
    sessions = len(market.sessions)
    answered = np.bincount(at, minlength=sessions).astype(np.float64)
    refused = np.bincount(at, weights=(~valid).astype(np.float64), minlength=sessions).astype(np.float64)
    sums = np.stack([np.bincount(at, weights=column, minlength=sessions) for column in said.T], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return answered, refused, np.asarray(sums / (answered - refused)[:, None])


def _skill(answers: pl.DataFrame, task: str, market: Market, horizon: int, reference: int) -> Watched | None:
    if TASKS[task].direction is None:
        return None
    valid = answers.filter(pl.col("probabilities").is_not_null())
    said = market.laid_out(valid.select("session", "ts_code", signal=pl.Series(signals(valid, task))))
    before = np.vstack([np.full(market.close.shape[1], np.nan), market.close[:-1]])
    traded = ~np.isnan(market.open)
    first_day = market.close / market.open - 1
    later = np.where(traded, market.close / before - 1, np.nan)
    each = standing_rank_ics(said, first_day, later, horizon)
    stocks = max(float((~np.isnan(said)).sum(axis=1).max(initial=0)), 2.0)
    return watch_skill(each[:reference], each[reference:], (stocks - 1) ** -0.5, horizon)
