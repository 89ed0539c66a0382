"""What no test can beat: the chance to find an edge within the year where edge, spread and overlap are known before.

The differences of RankIC of the simulated year are taken for normal values with the covariance that the simulation
shows. Three who know more than the product ever can:

``best``: the most powerful test of all, at one look at the end of the year (Neyman and Pearson 1933). However often one
looks: a test that finds an edge where there is none in at most alpha of the years finds no more of them.
``oracle``: the likelihood ratio of the edge, all sessions together, until it reaches 1 / alpha (Wald 1945): of capital
that is not expected to grow where there is nothing, and may be read every day for ever, it grows fastest.
``in_turn``: the mean of h such ratios, each of every h-th session, of which no two labels overlap.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log, sqrt
from statistics import NormalDist
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.looks import FIFTH, TENTH
from benchmarks.years import Year, rank_ics_of

Floats = NDArray[np.float64]
NORMAL: Final = NormalDist()
DRAWN: Final = 40
"""Years from which spread and overlap are read."""
CASES: Final = ((100, 0.10), (300, 0.05))


@dataclass(frozen=True)
class Known:
    """What is known of the differences before the year.

    :param spread: standard deviation of a session's difference.
    :param overlap: correlations with the sessions after it, of the next one first; of those beyond none.
    :param horizon: h.
    """

    edge: float
    spread: float
    overlap: tuple[float, ...]
    horizon: int
    sessions: int

    @property
    def covariance(self) -> Floats:
        """Of the sessions with each other."""
        found = np.eye(self.sessions)
        for lag, correlation in enumerate(self.overlap, start=1):
            beside = np.full(self.sessions - lag, correlation)
            found += np.diag(beside, lag) + np.diag(beside, -lag)
        return np.asarray(self.spread**2 * found)


@dataclass(frozen=True)
class Power:
    """Share of the years in which the edge is found."""

    best: float
    oracle: float
    in_turn: float


def known_of(year: Year, edge: float, trials: int = DRAWN) -> Known:
    """Read spread and overlap from simulated years in which a challenger has this edge over no skill."""
    drawn = np.array([np.subtract(*rank_ics_of(year, [edge, 0.0], seed)) for seed in range(trials)])
    off = drawn - drawn.mean()
    variance = float((off**2).mean())
    overlap = [float((off[:, lag:] * off[:, :-lag]).mean()) / variance for lag in range(1, year.horizon)]
    return Known(edge, sqrt(variance), tuple(overlap), year.horizon, year.looks - year.horizon)


def power(known: Known, alpha: float, draws: int = 4000) -> Power:
    """Return how often each of the three finds the edge."""
    factor = np.linalg.cholesky(known.covariance)
    means = np.linalg.solve(factor, np.full(known.sessions, known.edge))  # of values that say nothing of each other
    noise = np.random.default_rng(1).normal(size=(draws, known.sessions))
    together = np.cumsum((noise + means) * means - means**2 / 2, axis=1)
    apart = (noise @ factor.T + known.edge) * known.edge / known.spread**2 - known.edge**2 / known.spread**2 / 2
    return Power(
        best=NORMAL.cdf(sqrt(float(means @ means)) - NORMAL.inv_cdf(1 - alpha)),
        oracle=float((together.max(axis=1) >= -log(alpha)).mean()),
        in_turn=float((_mean_capital(apart, known.horizon).max(axis=1) >= 1 / alpha).mean()),
    )


def _mean_capital(log_ratios: Floats, horizon: int) -> Floats:
    """Return draws × sessions: the mean capital of h who take the sessions in turn."""
    capital = np.zeros(log_ratios.shape)
    for first in range(horizon):
        own = np.zeros(log_ratios.shape)
        own[:, first::horizon] = log_ratios[:, first::horizon]
        capital += np.exp(np.cumsum(own, axis=1)) / horizon
    return capital


def gate_power_bound_250() -> dict[str, Any]:
    """Largest share of years in which any test finds an edge of 0.05 on 300 stocks that share much luck."""
    found = {}
    for stocks, edge in CASES:
        for luck in (0.03, 0.1):
            known = known_of(replace(Year(stocks=stocks), luck=luck), edge)
            for name, alpha in (("whole", 0.05), ("a fifth", FIFTH), ("a tenth", TENTH)):
                found[f"{edge} on {stocks}, luck {luck}, {name}"] = power(known, alpha)
    parts = (f"{name}: {each.best:.3f}/{each.oracle:.3f}/{each.in_turn:.3f}" for name, each in found.items())
    value = found["0.05 on 300, luck 0.1, whole"].best
    note = f"best / oracle / in turn; {'; '.join(parts)}"
    return {"value": value, "unit": "share", "ours": value, "peer": 0.8, "runs": DRAWN, "note": note}
