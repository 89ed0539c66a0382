"""Drawn years: a market of some stocks, answerers who order them, and their RankIC of each session.

A label is the return over the next five sessions, so that labels overlap. An answerer's signal is the outcome as far as
his skill goes, and noise that mostly stays from one session to the next, as the facts in prompts do. Luck is shared: a
part of every return is one style's return on that day, times how much of the style the stock has, and a part of every
answerer's noise is the style too. So his order of a whole session, and of those that overlap with it, is right or wrong
together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import pi, sin

import numpy as np
from numpy.typing import NDArray

from ljwx.core.evidence import mean_ranks

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Year:
    """The circumstances of a trial. The year begins when the line is opened.

    :param luck: about the standard deviation of a session's RankIC from what its stocks share.
    :param style: share of a return's variance that is the style's.
    :param persistence: correlation of an answerer's noise on neighbouring sessions.
    :param looks: sessions at whose close one looks after the line was opened.
    :param lag: sessions from a look to the newest that can count; None: the horizon.
    :param before: sessions that can count when the line is opened.
    """

    stocks: int = 100
    looks: int = 250
    horizon: int = 5
    luck: float = 0.03
    style: float = 0.1
    persistence: float = 0.8
    lag: int | None = None
    before: int = 0

    @property
    def behind(self) -> int:
        """Sessions from a look to the newest that can count."""
        return self.horizon if self.lag is None else self.lag

    @property
    def opened(self) -> int:
        """How many sessions there are before the line is opened."""
        return self.before + self.behind - self.horizon

    @property
    def sessions(self) -> int:
        """From the first that can count to the last look."""
        return self.opened + self.looks


@dataclass(frozen=True)
class Ranked:
    """What sessions say about answerers.

    :param ics: (..., answerers, sessions) their RankICs against the returns over the horizon.
    :param days: (..., answerers, sessions, horizon) those against the returns of each day after a session.
    """

    ics: Floats
    days: Floats


@lru_cache(maxsize=3)
def drawn(year: Year, skills: tuple[float, ...], trials: int) -> Ranked:
    """Draw so many years of answerers with these RankICs on average; the first axis is of the years."""
    every = [ranked(year, skills, seed) for seed in range(trials)]
    ics, days = (np.array([getattr(each, name) for each in every]) for name in ("ics", "days"))
    return Ranked(ics, days)


def ranked(year: Year, skills: Sequence[float], seed: int) -> Ranked:
    """Draw a market, and answerers with these RankICs on average."""
    signals, outcomes, daily = market_of(year, skills, seed)
    said, came, moved = (_unit_ranks(each) for each in (signals, outcomes, daily))
    after = [moved[later : later + year.sessions] for later in range(year.horizon)]
    return Ranked(_inner(said, came), np.stack([_inner(said, each) for each in after], axis=-1))


def rank_ics_of(year: Year, skills: Sequence[float], seed: int) -> Floats:
    """Draw a market, and answerers with these RankICs on average; return answerers × sessions."""
    signals, outcomes, _ = market_of(year, skills, seed)
    return _inner(_unit_ranks(signals), _unit_ranks(outcomes))


def _unit_ranks(values: Floats) -> Floats:
    """Return ranks along the last axis, with mean 0 and length 1."""
    ranks = mean_ranks(values)
    ranks -= ranks.mean(axis=-1, keepdims=True)
    return np.asarray(ranks / np.sqrt((ranks**2).sum(axis=-1, keepdims=True)))


def _inner(said: Floats, came: Floats) -> Floats:
    return np.asarray(np.einsum("ast,st->as", said, came))


def market_of(year: Year, skills: Sequence[float], seed: int) -> tuple[Floats, Floats, Floats]:
    """Draw a market; return the signals of answerers with these RankICs on average, outcomes, and daily returns.

    :return: answerers × sessions × stocks; sessions × stocks; days × stocks, of which the first is the day after the
        first session.
    """
    generator = np.random.default_rng(seed)
    tilt = generator.normal(size=year.stocks)
    outcomes, daily = _outcomes(year, tilt, generator)
    known = np.array([2 * sin(pi * skill / 6) for skill in skills])  # of normal values whose ranks have this one
    known = known[:, None, None]
    signals = known * outcomes + (1 - known**2) ** 0.5 * noise(year, len(skills), tilt, generator)
    return signals, outcomes, daily


def _outcomes(year: Year, tilt: Floats, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Return sessions × stocks: returns over the horizon after each session, with variance 1; and days × stocks."""
    days = year.sessions + year.horizon - 1
    own = generator.normal(size=(days, year.stocks))
    shared = generator.normal(size=(days, 1)) * tilt
    daily = (1 - year.style) ** 0.5 * own + year.style**0.5 * shared
    sums = np.cumsum(np.vstack([np.zeros((1, year.stocks)), daily]), axis=0)
    return np.asarray((sums[year.horizon :] - sums[: -year.horizon]) / year.horizon**0.5), daily


def noise(year: Year, answerers: int, tilt: Floats, generator: np.random.Generator) -> Floats:
    """Return answerers × sessions × stocks, with variance 1."""
    weight = year.luck**2 / year.style
    own = lasting(generator.normal(size=(answerers, year.sessions, year.stocks)), year.persistence)
    liking = lasting(generator.normal(size=(answerers, year.sessions, 1)), year.persistence)
    return np.asarray((1 - weight) ** 0.5 * own + weight**0.5 * liking * tilt)


def lasting(shocks: Floats, persistence: float) -> Floats:
    """Return values with variance 1 whose neighbours along the second axis correlate by this much."""
    values = shocks.copy()
    values[:, 1:] *= (1 - persistence**2) ** 0.5
    for session in range(1, values.shape[1]):
        values[:, session] += persistence * values[:, session - 1]
    return values
