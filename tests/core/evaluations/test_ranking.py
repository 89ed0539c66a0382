"""RankIC by session, held against SciPy's Spearman."""

from datetime import date, timedelta

import numpy as np
import pytest
from scipy.stats import spearmanr

from ljwx.core.evaluations import Question, Resampling, ScoredAnswer, rank_ic

CLASSES = ("up", "flat", "down")
SIGN = {"up": 1, "flat": 0, "down": -1}
START = date(2024, 1, 1)


def question(day, stock, label, task="price_direction"):
    return Question(f"{day}-{stock}", task, f"{stock:06d}.SZ", START + timedelta(day), label, None, "", "")


def answer(asked, shares=None, label="flat"):
    told = None if shares is None else dict(zip(CLASSES, shares, strict=True))
    return ScoredAnswer(asked.sample_id, True, label, told)


def drawn(days, stocks, seed):
    generator = np.random.default_rng(seed)
    pairs = []
    for day in range(days):
        for stock in range(stocks):
            asked = question(day, stock, CLASSES[generator.integers(3)])
            pairs.append((asked, answer(asked, generator.dirichlet([1, 1, 1]).round(1))))
    return pairs


def by_scipy(pairs):
    found = []
    for day in sorted({asked.session for asked, _ in pairs}):
        mine = [(a.probabilities["up"] - a.probabilities["down"], SIGN[q.label]) for q, a in pairs if q.session == day]
        if len(mine) >= 3 and len({truth for _, truth in mine}) > 1:
            found.append(spearmanr(*zip(*mine, strict=True)).statistic)
    return found


@pytest.mark.parametrize(("days", "stocks", "seed"), [(1, 5, 1), (7, 3, 2), (30, 12, 3)])
def test_the_mean_over_sessions_is_that_of_scipy_ties_included(days, stocks, seed):
    pairs = drawn(days, stocks, seed)
    told, expected = rank_ic(pairs), by_scipy(pairs)
    assert told.sessions == len(expected) > 0
    assert told.mean == pytest.approx(np.mean(expected))
    assert told.interval is None


def test_the_order_of_the_answers_does_not_matter():
    pairs = drawn(5, 6, 4)
    assert rank_ic(pairs[::-1]) == rank_ic(pairs)


def test_an_answerer_that_puts_all_stocks_alike_finds_nothing_and_keeps_its_sessions():
    pairs = [(asked, answer(asked, (0.2, 0.5, 0.3))) for asked, _ in drawn(6, 5, 5)]
    told = rank_ic(pairs)
    assert (told.mean, told.sessions) == (0.0, 6)


def test_an_answer_without_probabilities_is_as_certain_as_can_be():
    asked = [question(0, stock, label) for stock, label in enumerate(("up", "flat", "down"))]
    assert rank_ic([(q, answer(q, label=q.label)) for q in asked]).mean == pytest.approx(1.0)
    worst = {"up": "down", "flat": "flat", "down": "up"}
    assert rank_ic([(q, answer(q, label=worst[q.label])) for q in asked]).mean == pytest.approx(-1.0)


def test_an_invalid_answer_has_no_opinion():
    asked = [question(0, stock, label) for stock, label in enumerate(("up", "flat", "down"))]
    pairs = [
        (asked[0], ScoredAnswer(asked[0].sample_id, False, None, reason="x")),
        *((q, answer(q, label=q.label)) for q in asked[1:]),
    ]
    assert rank_ic(pairs).mean == pytest.approx(spearmanr([0, 0, -1], [1, 0, -1]).statistic)


def test_sessions_without_an_order_to_find_are_left_out():
    two = [question(0, stock, label) for stock, label in enumerate(("up", "down"))]
    alike = [question(1, stock, "up") for stock in range(5)]
    assert rank_ic([(q, answer(q, (0.3, 0.3, 0.4))) for q in (*two, *alike)]) is None


def test_a_task_that_is_not_about_returns_has_none():
    asked = [question(0, stock, label, "risk_assessment") for stock, label in enumerate(("low", "medium", "high"))]
    assert rank_ic([(q, ScoredAnswer(q.sample_id, True, q.label)) for q in asked]) is None


def test_its_interval_is_over_the_sessions_in_time_and_needs_enough_of_them():
    resampling = Resampling(block=5, resamples=500)
    told = rank_ic(drawn(40, 6, 6), resampling)
    assert told.interval.low < told.mean < told.interval.high
    assert told.interval.sessions == told.sessions
    assert told.interval.estimate == pytest.approx(told.mean)
    assert rank_ic(drawn(19, 6, 6), resampling).interval is None
