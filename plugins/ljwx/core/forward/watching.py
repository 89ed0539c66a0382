"""From the answers of one line to what the watch sees. Pure: no airflow, no I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ljwx.core.features.facts import RANKS
from ljwx.core.forward.market import Market
from ljwx.core.forward.settled import matrix, signals
from ljwx.core.forward.watch import (
    REFERENCE,
    Check,
    Watched,
    class_distances,
    standing_rank_ics,
    strange_shares,
    watch_coverage,
    watch_shares,
    watch_skill,
)
from ljwx.core.snapshots.facts import facts_in, facts_of_market
from ljwx.core.snapshots.spec import SnapshotSpec
from ljwx.core.tasks import TASKS

Floats = NDArray[np.float64]
Series = Mapping[str, Floats]

ALLOWED: Final = 0.05
"""Share of the questions that may be left unanswered, or answered late."""


@dataclass(frozen=True)
class Asked:
    """What the record was asked, whoever answered, and what of it is seen beside the answers of a line.

    :param questions: task → (sessions) questions of each of the market's sessions; 0 where the session is a gap.
    :param is_over: (sessions) whether no answer can come any more; what can, is not missing.
    :param strange: fact → (sessions) share of the stocks asked about whose number is missing or strange.
    """

    questions: Series
    is_over: NDArray[np.bool_]
    strange: Series = field(default_factory=dict)


def watch_line(
    answers: pl.DataFrame, wrong_claims: Floats, asked: Asked, market: Market, horizon: int, reference: int = REFERENCE
) -> tuple[Watched, ...]:
    """Watch skill, inputs, class shares, refusals, faithfulness and coverage of the answers of one line.

    :param answers: SETTLED rows of one answerer, each of a session and a stock of the market; outcomes are not needed,
        since days tell on answers before their horizon is over.
    :param wrong_claims: (sessions) share of the claims of full answers that their snapshots do not bear out.
    :param market: of the exchange's sessions from the first of the record to the newest.
    :return: the checks that have begun; empty while the record is no longer than its reference.
    """
    if len(market.sessions) <= reference:
        return ()
    said = {task: each for task in asked.questions if len(each := answers.filter(~pl.col("late"), task=task))}
    seen = {task: _by_session(each, task, market) for task, each in said.items()}

    def parted(series: Series) -> tuple[Series, Series]:
        cut = {name: (each[:reference], each[reference:]) for name, each in series.items()}
        return {name: each for name, (each, _) in cut.items()}, {name: each for name, (_, each) in cut.items()}

    ranked = {task: each for task, each in said.items() if TASKS[task].direction is not None}
    ics, chance = _rank_ics(ranked, market, horizon)
    shares: tuple[tuple[Check, Series], ...] = (
        ("inputs", asked.strange),
        ("classes", {task: class_distances(each.shares, reference) for task, each in seen.items()}),
        ("refusals", {task: each.refused for task, each in seen.items()}),
        ("faithfulness", {"": wrong_claims}),
    )
    found = [watch_skill(*parted(ics), chance, horizon) if ics else None]
    found += [watch_shares(check, *parted(series)) for check, series in shares if series]
    found.append(watch_coverage(_missing(seen, asked)[reference:], ALLOWED))
    return tuple(each for each in found if each is not None)


def strange_facts(
    bars: pl.DataFrame, features: pl.DataFrame, asked: pl.DataFrame, market: Market, spec: SnapshotSpec, reference: int
) -> Series:
    """Return of each fact of a snapshot the share of strange numbers by session, among the stocks asked about.

    Ranks are left out, which are evenly spread on every day, and so are facts of the whole market, an index or an
    industry: each is one number for many stocks, and needs more of them than are asked about. What companies announce
    moves with the seasons of the year, which the reference does not hold.

    :param bars: BARS frame of the stocks asked about, with some sessions before the market's first.
    :param features: their feature rows, of the same sessions.
    :param asked: session and ts_code of the questions.
    """
    of_many = {column for group in spec.groups for column in group.of_many}
    facts = [
        fact.column
        for fact in facts_in(group for group in spec.groups if not group.is_announced)
        if fact.section != RANKS and not fact.of_industry and not of_many & set(fact.value.meta.root_names())
    ]
    rows = facts_of_market(bars, features, spec).filter(pl.col("session").is_in(list(market.sessions)))
    keys = asked.select("session", "ts_code").unique()
    there = ~np.isnan(market.laid_out(keys.with_columns(signal=pl.lit(1.0))))
    return {
        column: strange_shares(
            market.laid_out(rows.select("session", "ts_code", signal=_number(column))), reference, there
        )
        for column in facts
    }


def wrong_by_session(claims: pl.DataFrame, market: Market) -> Floats:
    """Return of each session the share of claims that are not right; NaN where nothing was claimed.

    :param claims: session, claims and claims_right.
    """
    said = {session: (total, right) for session, total, right in claims.rows() if total}
    found = [1 - said[day][1] / said[day][0] if day in said else np.nan for day in market.sessions]
    return np.array(found, dtype=np.float64)


@dataclass(frozen=True)
class _Seen:
    """Of each session the answers in time, the share without probabilities, and the mean probability of each class."""

    answered: Floats
    refused: Floats
    shares: Floats


def _number(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Float64).fill_null(float("nan"))


def _missing(seen: Mapping[str, _Seen], asked: Asked) -> Floats:
    """Return the share of all questions without an answer in time; 1 of a gap, NaN where answers can still come."""
    questions = np.sum(list(asked.questions.values()), axis=0) if asked.questions else np.zeros(len(asked.is_over))
    answered = np.sum([each.answered for each in seen.values()], axis=0) if seen else np.zeros(len(questions))
    share = np.where(questions > 0, 1 - answered / np.maximum(questions, 1), 1.0)
    return np.where(asked.is_over, np.clip(share, 0, 1), np.nan)


def _by_session(answers: pl.DataFrame, task: str, market: Market) -> _Seen:
    place = {session: at for at, session in enumerate(market.sessions)}
    at = np.array([place[session] for session in answers["session"]], dtype=np.intp)
    said, valid = matrix(answers, task), answers["probabilities"].is_not_null().to_numpy()
    sessions = len(market.sessions)
    answered = np.bincount(at, minlength=sessions).astype(np.float64)
    refused = np.bincount(at, weights=(~valid).astype(np.float64), minlength=sessions).astype(np.float64)
    sums = np.stack([np.bincount(at, weights=column, minlength=sessions) for column in said.T], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.asarray(sums / (answered - refused)[:, None])
        return _Seen(answered, np.where(answered > 0, refused / answered, np.nan), shares)


def _rank_ics(answers: Mapping[str, pl.DataFrame], market: Market, horizon: int) -> tuple[Series, Mapping[str, float]]:
    """Return of each task the days' RankICs of the answers that stand, and the size that chance gives one."""
    before = np.vstack([np.full(market.close.shape[1], np.nan), market.close[:-1]])
    traded = ~np.isnan(market.open)
    first_day = market.close / market.open - 1
    later = np.where(traded, market.close / before - 1, np.nan)
    ics, chance = {}, {}
    for task, rows in answers.items():
        valid = rows.filter(pl.col("probabilities").is_not_null())
        said = market.laid_out(valid.select("session", "ts_code", signal=pl.Series(signals(valid, task))))
        ics[task] = standing_rank_ics(said, first_day, later, horizon)
        chance[task] = (max(float((~np.isnan(said)).sum(axis=1).max(initial=0)), 2.0) - 1) ** -0.5
    return ics, chance
