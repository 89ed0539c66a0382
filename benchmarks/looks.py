"""The evidence of a year looked at daily: how often chance promotes, which skill is found. No model is asked.

A trial is a drawn year (:mod:`benchmarks.years`). The statistics, the budget, the evidence and the decision are the
product's: a challenger is promoted where :func:`ljwx.core.promotions.decide_line` says so at a look of the year. It is
asked at each look from the confirmation of the evidence on; before it promotes nobody, as a test shows. ``Year.lag``
tells how many sessions lie between a look and the newest session that can count, and ``Year.before`` how many could
count already when the line was opened: the sealed window lies between, and the questions are asked of the validation
window before it (``BEHIND``). ``LJWX_BENCH_TRIALS`` trials are drawn; in brackets stands the 95 % interval of a share.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from benchmarks.years import Ranked, Year, drawn, rank_ics_of
from ljwx.core.evidence import (
    Bounds,
    Budget,
    SessionDifference,
    Size,
    Stake,
    Weighed,
    chance_of_rank_ics,
    follow_days,
    of_days,
)
from ljwx.core.promotions import Against, Circumstances, Decision, GatePolicy, Predecessor, Reason, decide_line
from ljwx.core.promotions.judging import against

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
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
WIDEST = 2.0
"""Two RankICs differ by no more."""


def promoted(year: Year, years: Ranked, begins: Sequence[int], alphas: Sequence[float]) -> Bools:
    """Tell of each year whether the gate promotes a challenger on any of its days.

    :param years: the first answerer is the champion, the others are challengers.
    :param begins: the session at which each challenger begins; ``alphas``: the error rate that each was given.
    """
    parts = [_confirmed(year, part, np.array(begins), np.array(alphas)) for part in _parts(years.days)]
    confirmed = np.concatenate(parts)
    found = np.zeros(len(confirmed), dtype=np.bool_)
    for at, challenger in np.argwhere(confirmed >= 0):
        if not found[at]:
            begin, both = begins[challenger], [challenger + 1, 0]
            pair = Ranked(years.ics[at, both], years.days[at, both])
            fresh = begin + year.opened + year.behind + year.horizon - 1  # so many came after it was opened
            first = max(int(confirmed[at, challenger]) + year.behind - 1, fresh)
            found[at] = any(
                decided(year, pair, begin, alphas[challenger], look).verdict == "promoted"
                for look in range(first, year.sessions)
            )
    return found


def _parts(table: Floats, at_a_time: int = 50) -> Iterator[Floats]:
    for first in range(0, len(table), at_a_time):
        yield table[first : first + at_a_time]


def _confirmed(year: Year, days: Floats, begins: NDArray[np.intp], alphas: Floats) -> NDArray[np.intp]:
    """Return years × challengers: which day confirms the evidence, all at once; -1 where none does.

    A session is noted as much later as it lies back, and with it the day after it.
    """
    at = np.arange(year.sessions)
    counts = (at >= begins[:, None]) & (at < year.sessions - year.behind)
    said = of_days(np.where(counts[..., None], days[:, 1:] - days[:, :1], np.nan))
    chance = chance_of_rank_ics(np.float64(year.stocks))
    return follow_days(said, chance, np.broadcast_to(alphas, said.shape[:-1])).confirmed


def decided(year: Year, pair: Ranked, begin: int, alpha: float, look: int) -> Decision:
    """Return what the gate decides about a challenger at a session.

    :param pair: the challenger, and the champion.
    :param begin: the session from which on it challenges.
    """
    calendar = [FIRST + timedelta(at) for at in range(begin, look + 1)]
    opened = FIRST + timedelta(begin + year.opened - 1)
    known = slice(begin, max(begin, look + 1 - year.behind))
    gap, own = Ranked(pair.ics[0] - pair.ics[1], pair.days[0] - pair.days[1]), Ranked(pair.ics[0], pair.days[0])
    told = [{"price_direction": said(calendar, each, known, year.stocks)} for each in (gap, own)]
    both = against(told[0], {}, calendar, year.horizon, alpha, opened, by_day=True)
    alone = against(told[1], {}, calendar, year.horizon, alpha, by_day=True)
    return decide_line(POLICY, HELD, both, alone, Circumstances(1, 1, alpha, alpha))


def said(calendar: Sequence[date], values: Ranked, known: slice, stocks: int) -> list[SessionDifference]:
    """Return what sessions say, as :func:`ljwx.core.evidence.rank_differences` makes it of signals and returns."""
    told = zip(calendar, values.ics[known], values.days[known], strict=False)
    return [
        SessionDifference(day, float(value), WIDEST, stocks, days=tuple(days.tolist())) for day, value, days in told
    ]


def share_of_one(year: Year, champion: float, challenger: float, alpha: float = 0.05, trials: int = TRIALS) -> float:
    """Return the share of trials in which one challenger with this error rate is promoted within the year."""
    return float(promoted(year, drawn(year, (champion, challenger), trials), [0], [alpha]).mean())


def share_of_any(year: Year, champion: float, challenger: float, every: int = 10, trials: int = TRIALS) -> float:
    """Return the share of trials in which any is promoted, when a new one comes every so often and none ever leaves."""
    begins, given = range(0, year.looks, every), list[Stake]()
    for begin in begins:
        given.append(Budget().stake(given, begin))
    years = drawn(year, (champion, *[challenger] * len(begins)), trials)
    return float(promoted(year, years, begins, [stake.alpha for stake in given]).mean())


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
    ics = rank_ics_of(year, [proven, *[proven - loss] * len(begins)], seed)
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
    much = replace(year, luck=0.1)
    found |= {
        f"luck 0.1, {name}": share_of_one(much, 0.0, edge, alpha)
        for name, alpha in (("a fifth", FIFTH), ("a tenth", TENTH))
    }
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
    named = "; ".join(f"{stocks} stocks, {trials} trials: {found[stocks]:.3g}" for stocks, trials in _SIZES)
    return _figure(found[500], {}) | {"unit": "IC", "note": named}


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
    told = "; ".join(f"{name}: {_told(share)}" for name, share in found.items())
    return {"value": value, "unit": "share", "ours": value, "peer": 0.0, "runs": TRIALS, "note": told}


def _told(share: float) -> str:
    """Return a share of the trials with its 95 % interval (Wilson 1927)."""
    low, high = binomtest(round(share * TRIALS), TRIALS).proportion_ci(0.95, "wilson")
    return f"{share:.1%} ({low:.1%} to {high:.1%})"
