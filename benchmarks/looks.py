"""The evidence of a year looked at daily: how often chance promotes, which skill is found. No model is asked.

A trial is a market of some stocks over 250 sessions and some answerers, who order the stocks of each session; a label
is the return over the next five sessions, so that labels overlap. An answerer's signal is the outcome as far as his
skill goes, and noise that mostly stays from one session to the next, as the facts in prompts do. Luck is shared: a part
of every return is one style's return on that day, times how much of the style the stock has, and a part of every
answerer's noise is the style too. So his order of a whole session, and of those that overlap with it, is right or wrong
together. The statistics, what is gathered of a session, the budget and the decision are the product's: a challenger is
promoted where :func:`ljwx.core.promotions.decide_line` says so at a look of the year. The year begins when the line is
opened. ``Year.lag`` tells how many sessions lie between a look and the newest session that can count, and
``Year.before`` how many could count already when the line was opened: the sealed window lies between, and the questions
are asked of the validation window before it (``BEHIND``). ``LJWX_BENCH_TRIALS`` trials are drawn.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import pi, sin
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ljwx.core.evidence import (
    Bounds,
    Budget,
    SessionDifference,
    Size,
    Stake,
    Weighed,
    as_shares,
    chance_of_rank_ics,
    follow,
    rank_differences,
    rank_ics,
    usual_bounds,
)
from ljwx.core.promotions import Against, Circumstances, Decision, GatePolicy, Predecessor, Reason, decide_line
from ljwx.core.promotions.judging import against

Floats = NDArray[np.float64]
TRIALS = int(os.environ.get("LJWX_BENCH_TRIALS", "500"))
POINT = 0.038
"""RankIC that is worth one point of accuracy on three classes of a third each, for normal signals and outcomes."""
POLICY = GatePolicy()
HELD = (Reason(code="floors", text="held", favourable=True),)
FIRST = date(2025, 1, 2)
BEHIND = {500: (85, 10), 1000: (160, 10), 1500: (235, 10)}
"""Sessions of history → sessions from a look to the newest that can count, and of those before that a new line is asked
about first, without gaps: by default half of 20."""
TENTH, FIFTH = 0.005, 0.01
"""What is a tenth of the error rate, and a fifth: what the first line gets by default."""
EVERY = 10
"""The gate is asked at the confirmation and every so many sessions after it."""


@dataclass(frozen=True)
class Year:
    """The circumstances of a trial.

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


def rank_ics_of(year: Year, skills: list[float], seed: int) -> Floats:
    """Draw a market, and answerers with these RankICs on average; return answerers × sessions."""
    signals, outcomes = market_of(year, skills, seed)
    return rank_ics(signals, np.broadcast_to(outcomes, signals.shape))


def market_of(year: Year, skills: list[float], seed: int) -> tuple[Floats, Floats]:
    """Draw a market; return the signals of answerers with these RankICs on average, and outcomes: sessions × stocks."""
    generator = np.random.default_rng(seed)
    tilt = generator.normal(size=year.stocks)
    outcomes = _outcomes(year, tilt, generator)
    known = np.array([2 * sin(pi * skill / 6) for skill in skills])  # of normal values whose ranks have this one
    known = known[:, None, None]
    signals = known * outcomes + (1 - known**2) ** 0.5 * noise(year, len(skills), tilt, generator)
    return signals, outcomes


def _outcomes(year: Year, tilt: Floats, generator: np.random.Generator) -> Floats:
    """Return sessions × stocks: returns over the horizon after each session, with variance 1."""
    days = year.sessions + year.horizon - 1
    own = generator.normal(size=(days, year.stocks))
    shared = generator.normal(size=(days, 1)) * tilt
    daily = (1 - year.style) ** 0.5 * own + year.style**0.5 * shared
    sums = np.cumsum(np.vstack([np.zeros((1, year.stocks)), daily]), axis=0)
    return np.asarray((sums[year.horizon :] - sums[: -year.horizon]) / year.horizon**0.5)


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


def promoted_one(year: Year, champion: float, challenger: float, alpha: float, seed: int) -> bool:
    """Tell whether one challenger is promoted on any of the year's days."""
    return _promoted(year, [champion, challenger], np.zeros(1, dtype=np.intp), [alpha], seed)


def promoted_any(year: Year, champion: float, challenger: float, every: int, budget: Budget, seed: int) -> bool:
    """Tell whether any challenger is promoted, when a new one comes every so many sessions and none ever leaves."""
    begins = np.arange(0, year.looks, every)
    given: list[Stake] = []
    for begin in begins:
        given.append(budget.stake(given, int(begin)))
    return _promoted(year, [champion, *[challenger] * len(begins)], begins, [stake.alpha for stake in given], seed)


def _promoted(year: Year, skills: list[float], begins: NDArray[np.intp], alphas: list[float], seed: int) -> bool:
    """Let the gate decide about every challenger that its evidence may promote, and about the first in any case."""
    signals, outcomes = market_of(year, skills, seed)
    ics = rank_ics(signals, np.broadcast_to(outcomes, signals.shape))
    confirmed = _confirmed(year, ics, begins, np.array(alphas))
    last = year.sessions - 1
    wanted = {0: [last]} | {
        int(at): [*range(int(confirmed[at]) + year.behind - year.horizon, last, EVERY), last]
        for at in np.flatnonzero(confirmed >= 0)
    }
    return any(
        decided(year, signals[[at + 1, 0]], outcomes, int(begins[at]), alphas[at], look).verdict == "promoted"
        for at, looks in sorted(wanted.items())
        for look in looks
        if look == last
        or look >= int(begins[at]) + year.opened + year.behind + year.horizon - 1  # fresh ones are there
    )


def _confirmed(year: Year, ics: Floats, begins: NDArray[np.intp], alphas: Floats) -> NDArray[np.intp]:
    """Return at which session the evidence of each challenger is confirmed, all at once; -1 where it is not.

    It is seen as much later as the newest session that can count lies more than the horizon back.
    """
    at = np.arange(year.sessions)
    counts = (at >= begins[:, None]) & (at < year.sessions - year.behind)
    differences = np.where(counts, ics[1:] - ics[0], np.nan)
    bounds = usual_bounds(differences, chance_of_rank_ics(np.float64(year.stocks)), year.horizon)
    return follow(as_shares(differences, bounds), year.horizon, alphas).confirmed


def decided(year: Year, signals: Floats, outcomes: Floats, begin: int, alpha: float, look: int) -> Decision:
    """Return what the gate decides about a challenger at a session.

    :param signals: (2, sessions, stocks) of the challenger, and of the champion.
    :param begin: the session from which on it challenges.
    """
    calendar = [FIRST + timedelta(at) for at in range(look + 1)]
    opened = FIRST + timedelta(begin + year.opened - 1)
    known = slice(begin, max(begin, look + 1 - year.behind))
    said = np.repeat(np.array(calendar[known], dtype="datetime64[D]"), year.stocks).tolist()
    pair, alone = (
        against(
            {"price_direction": _told(said, each[:, known].reshape(len(each), -1), outcomes[known].ravel())},
            {}, calendar[begin:], year.horizon, alpha, when,
        )
        for each, when in ((signals, opened), (signals[:1], None))
    )  # fmt: skip
    return decide_line(POLICY, HELD, pair, alone, Circumstances(1, 1, alpha, alpha))


def _told(said: list[date], signals: Floats, outcomes: Floats) -> list[SessionDifference]:
    return rank_differences(said, signals, outcomes) if said else []


def share_of_one(year: Year, champion: float, challenger: float, alpha: float = 0.05, trials: int = TRIALS) -> float:
    """Return the share of trials in which one challenger with this error rate is promoted within the year."""
    return sum(promoted_one(year, champion, challenger, alpha, seed) for seed in range(trials)) / trials


def share_of_any(year: Year, champion: float, challenger: float, every: int = 10, trials: int = TRIALS) -> float:
    """Return the share of trials in which any of many challengers is promoted within the year."""
    return sum(promoted_any(year, champion, challenger, every, Budget(), seed) for seed in range(trials)) / trials


def gate_false_promotion_250() -> dict[str, Any]:
    """Largest share of years in which an equal challenger is promoted: one, or a new one every ten sessions."""
    found = {}
    for luck in (0.03, 0.1):
        found[f"one, luck {luck}"] = share_of_one(Year(luck=luck), 0.05, 0.05)
        found[f"a new one every 10, luck {luck}"] = share_of_any(Year(luck=luck), 0.05, 0.05)
    for history, (lag, before) in BEHIND.items():
        found[f"one, behind {history} sessions"] = share_of_one(Year(lag=lag, before=before), 0.05, 0.05)
    return _figure(max(found.values()), found)


def gate_worse_promotion_250() -> dict[str, Any]:
    """Share of years in which a challenger that is two points of accuracy worse is promoted."""
    found = {f"luck {luck}": share_of_one(Year(luck=luck), 0.1, 0.1 - 2 * POINT) for luck in (0.03, 0.1)}
    return _figure(max(found.values()), found)


def gate_ratchet_250() -> dict[str, Any]:
    """Share of years that end with a worse champion, every challenger three points worse, a new one every 10."""
    found = {f"luck {luck}": share_of_any(Year(luck=luck), 0.1, 0.1 - 3 * POINT) for luck in (0.03, 0.1)}
    return _figure(max(found.values()), found)


def retrained_worse(year: Year, proven: float, loss: float, seed: int, every: int = 20) -> bool:
    """Tell whether a proven line, trained again every so many sessions, serves a worse model at the end of the year.

    Each model is worse than the first by as much, has noise of its own, and is decided on daily: when it is made it can
    be compared on ten sessions, and on one more each day.
    """
    begins = range(every, year.sessions, every)
    signals, outcomes = market_of(year, [proven, *[proven - loss] * len(begins)], seed)
    ics = rank_ics(signals, np.broadcast_to(outcomes, signals.shape))
    serves, newer = 0, np.full(year.sessions, np.nan)
    for number, begin in enumerate(begins, start=1):
        for look in range(begin, min(begin + every, year.sessions)):
            known = slice(max(begin - year.horizon - 10, 0), look - year.horizon)
            newer[known] = ics[number, known]
            there = ~np.isnan(newer)
            means = [
                (each - ics[serves, at]).mean() for each, at in ((newer[there], there), (ics[number, known], known))
            ]
            compared = Predecessor({"": 0.0}, 1, int(there.sum()), means[0], newer[there].mean(), means[1])
            if decide_line(POLICY, HELD, compared, _proven(proven), Circumstances(1, 1, 0.05, 0.05)).promote:
                serves, newer = number, np.full(year.sessions, np.nan)
                break
    return serves > 0


def _proven(mean: float) -> Against:
    size = Size(mean, 0.01, 0.1, mean, 120)
    shown = Weighed(True, False, 4.0, 3.0, 120, size, Bounds(0.0, 2 * mean), None)
    return Against(shown, {"": shown})


def gate_retrained_250() -> dict[str, Any]:
    """Share of years in which a proven line, trained again monthly, comes to serve a model without any skill."""
    found = {f"luck {luck}": share_of_retrained(Year(luck=luck), 0.1) for luck in (0.03, 0.1)}
    more = {f"loss {loss}": share_of_retrained(Year(), loss) for loss in (0.0, 0.03)}
    return _figure(max(found.values()), found | more)


def share_of_retrained(year: Year, loss: float, trials: int = TRIALS) -> float:
    """Return the share of trials in which a model serves at the end that is worse by so much than a proven 0.10."""
    return sum(retrained_worse(year, 0.1, loss, seed) for seed in range(trials)) / trials


def gate_power_ic10_250() -> dict[str, Any]:
    """Share of years in which an edge of RankIC 0.10 on 100 stocks is found by one that holds the whole budget."""
    return _power(Year(stocks=100), 0.10)


def gate_power_ic05_250() -> dict[str, Any]:
    """Share of years in which an edge of RankIC 0.05 on 300 stocks is found by one that holds the whole budget."""
    return _power(Year(stocks=300), 0.05)


def _power(year: Year, edge: float) -> dict[str, Any]:
    whole = share_of_one(year, 0.0, edge)
    found = {"a fifth of the budget": share_of_one(year, 0.0, edge, FIFTH)}
    found |= {"a tenth of it": share_of_one(year, 0.0, edge, TENTH)}
    found |= {f"luck {luck}": share_of_one(replace(year, luck=luck), 0.0, edge) for luck in (0.0, 0.1)}
    for history, (lag, before) in BEHIND.items():
        late = replace(year, lag=lag, before=before)
        found |= {
            f"behind {history} sessions, {name}": share_of_one(late, 0.0, edge, alpha)
            for name, alpha in (("whole", 0.05), ("a fifth", FIFTH))
        }
    return _figure(whole, found)


def gate_smallest_ic_250() -> dict[str, Any]:
    """Smallest edge in RankIC found in 80 % of the years, on 500 stocks a session; in the note 100 and 5,000."""
    found = {stocks: smallest_found(Year(stocks=stocks), trials) for stocks, trials in _SIZES}
    named = {f"{stocks} stocks, {trials} trials": found[stocks] for stocks, trials in _SIZES}
    return _figure(found[500], named) | {"unit": "IC"}


_SIZES = ((100, min(TRIALS, 200)), (500, min(TRIALS, 100)), (5000, min(TRIALS, 30)))


def smallest_found(year: Year, trials: int) -> float:
    """Return the edge at which four of five trials promote, to 0.0025, by halving."""
    low, high = 0.0, 0.16
    while high - low > 0.0025:
        middle = (low + high) / 2
        enough = share_of_one(year, 0.0, middle, trials=trials) >= 0.8
        low, high = (low, middle) if enough else (middle, high)
    return high


def _figure(value: float, found: dict[str, float]) -> dict[str, Any]:
    told = "; ".join(f"{name}: {share:.3g}" for name, share in found.items())
    return {"value": value, "unit": "share", "ours": value, "peer": 0.0, "runs": TRIALS, "note": told}
