"""The watch over a year that nothing happens in, and over one in which skill is lost. No model is asked.

A trial is the market of :mod:`benchmarks.looks` with one champion whose RankIC is 0.10 on 300 stocks. The watch has the
sessions of half a year as its reference and looks daily. Skill is seen in the daily returns. Beside it the trial draws
features with a state of the market that lasts, class shares that follow it, refusals, wrong claims and missing answers,
of as many tasks as are answered. ``LJWX_BENCH_TRIALS`` trials are drawn, from seeds that nothing was chosen on: those
that the watch's constants were chosen on begin with 0.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from math import pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.years import Year, lasting, noise
from ljwx.core.forward.watch import (
    YEAR,
    Watched,
    class_distances,
    standing_rank_ics,
    strange_shares,
    watch_coverage,
    watch_shares,
    watch_skill,
)

Floats = NDArray[np.float64]
TRIALS = int(os.environ.get("LJWX_BENCH_TRIALS", "200"))
SEED = 5_000_000
ORDERING = ("investment_advice", "price_direction")
ANSWERED = (*ORDERING, "risk_assessment")
"""Tasks that order stocks, and all that are answered."""
REFERENCE, BEFORE, WITHIN = 120, 60, 60
"""Sessions of the reference, of the watch before skill is lost, and in which that has to be found."""
FEATURES, CLAIMS, ALLOWED, LUCK = 12, 60, 0.05, (0.03, 0.1)
"""Features, claims of a session's full answers, the share of answers that may be missing, and the luck of sessions."""


@dataclass(frozen=True)
class Quiet:
    """How a champion behaves while nothing has changed, and the market with it."""

    year: Year
    skill: float = 0.1
    refusals: float = 0.01
    wrong_claims: float = 0.03
    missing: float = 0.01


def skill_watched(quiet: Quiet, seed: int, lost_at: int | None = None) -> Watched | None:
    """Watch the skill of one champion over a year.

    :param lost_at: the session from whose close on it knows nothing; None: it keeps what it knows.
    """
    signals, daily = signals_of(quiet, np.random.default_rng(seed), lost_at)
    horizon, chance = quiet.year.horizon, (quiet.year.stocks - 1) ** -0.5
    each = {task: standing_rank_ics(said, daily, daily, horizon) for task, said in signals.items()}
    return watch_skill(*_parted(each), dict.fromkeys(each, chance), horizon)


def signals_of(quiet: Quiet, generator: np.random.Generator, lost_at: int | None) -> tuple[dict[str, Floats], Floats]:
    """Draw what a champion says to each task at each close, and each day's returns: sessions × stocks."""
    year, h = quiet.year, quiet.year.horizon
    tilt = generator.normal(size=year.stocks)
    own, shared = generator.normal(size=(year.sessions + h, year.stocks)), generator.normal(size=year.sessions + h)
    daily = (1 - year.style) ** 0.5 * own + year.style**0.5 * shared[:, None] * tilt
    sums = np.cumsum(np.vstack([np.zeros((1, year.stocks)), daily]), axis=0)
    to_come = (sums[h + 1 :] - sums[1:-h])[: year.sessions] / h**0.5
    known = np.full((year.sessions, 1), 2 * np.sin(pi * quiet.skill / 6))
    if lost_at is not None:
        known[lost_at:] = 0
    drawn = noise(year, len(ORDERING), tilt, generator)
    signals = {task: known * to_come + (1 - known**2) ** 0.5 * each for task, each in zip(ORDERING, drawn, strict=True)}
    return signals, daily[: year.sessions]


def all_watched(quiet: Quiet, seed: int) -> list[Watched]:
    """Run every check over a year in which nothing changes."""
    generator = np.random.default_rng(seed + 10_000)
    sessions, stocks = quiet.year.sessions, quiet.year.stocks
    state = lasting(generator.normal(size=(FEATURES, sessions)), 0.95)
    own = lasting(generator.normal(size=(FEATURES, sessions, stocks)), 0.9)
    features = {f"f{at}": strange_shares(own[at] + 0.5 * state[at, :, None], REFERENCE) for at in range(FEATURES)}
    likely = np.exp(0.3 * np.stack([state[0], np.zeros(sessions), -state[0]], axis=1))
    distances = {
        task: class_distances(
            np.stack([generator.multinomial(stocks, row / row.sum()) / stocks for row in likely]), REFERENCE
        )
        for task in ANSWERED
    }
    refusals = {task: generator.binomial(stocks, quiet.refusals, size=sessions) / stocks for task in ANSWERED}
    wrong = generator.binomial(CLAIMS, quiet.wrong_claims, size=sessions) / CLAIMS
    missing = generator.binomial(stocks, quiet.missing, size=sessions) / stocks
    found = [
        skill_watched(quiet, seed),
        watch_shares("inputs", *_parted(features)),
        watch_shares("classes", *_parted(distances)),
        watch_shares("refusals", *_parted(refusals)),
        watch_shares("faithfulness", *_parted({"": wrong})),
        watch_coverage(missing[REFERENCE:], ALLOWED),
    ]
    return [each for each in found if each is not None]


def _parted(series: dict[str, Floats]) -> tuple[dict[str, Floats], dict[str, Floats]]:
    cut = {name: (each[:REFERENCE], each[REFERENCE:]) for name, each in series.items()}
    return {name: each for name, (each, _) in cut.items()}, {name: each for name, (_, each) in cut.items()}


def false_alarms(quiet: Quiet, trials: int) -> dict[str, float]:
    """Return the mean number of alarms of each check in a year in which nothing changes."""
    seen = [each for seed in range(trials) for each in all_watched(quiet, SEED + seed)]
    return {name: sum(len(each.alarms) for each in seen if each.check == name) / trials for name in _names(seen)}


def _names(seen: list[Watched]) -> list[str]:
    return list(dict.fromkeys(each.check for each in seen))


def sessions_to_find(quiet: Quiet, trials: int) -> list[int | None]:
    """Return after how many sessions lost skill was found, of each trial; None where it was not within ``WITHIN``."""
    found: list[int | None] = []
    for seed in range(trials):
        watched = skill_watched(quiet, SEED + seed, REFERENCE + BEFORE)
        alarms = () if watched is None else watched.alarms
        found.append(next((at - BEFORE for at in alarms if BEFORE < at <= BEFORE + WITHIN), None))
    return found


def watch_false_alarms_per_year() -> dict[str, Any]:
    """Alarms a year in which nothing changes, of all checks together."""
    by_luck = {luck: false_alarms(_quiet(luck), TRIALS) for luck in LUCK}
    told = "; ".join(
        f"luck {luck}: {', '.join(f'{name} {rate:.3f}' for name, rate in rates.items())}"
        for luck, rates in by_luck.items()
    )
    return _figure(max(sum(rates.values()) for rates in by_luck.values()), "a year", told)


def watch_found_in_60() -> dict[str, Any]:
    """Share of trials in which a RankIC of 0.10 on 300 stocks that falls to 0 is found within 60 sessions."""
    by_luck = {luck: sessions_to_find(_quiet(luck), TRIALS) for luck in LUCK}
    shares = {luck: sum(each is not None for each in found) / TRIALS for luck, found in by_luck.items()}
    medians = {luck: float(np.median([each for each in found if each is not None])) for luck, found in by_luck.items()}
    told = "; ".join(f"luck {luck}: {shares[luck]:.3g}, median {medians[luck]:.0f} sessions" for luck in shares)
    return _figure(shares[0.03], "share", told)


def _quiet(luck: float) -> Quiet:
    return Quiet(Year(stocks=300, looks=REFERENCE + YEAR, luck=luck))


def _figure(value: float, unit: str, note: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "ours": value, "peer": 0.0, "runs": TRIALS, "note": note}
