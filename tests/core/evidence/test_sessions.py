"""From answers to one number a session: who is left out, what an invalid answer is worth, where it stands in time."""

from datetime import date, timedelta

import numpy as np
import pytest
from scipy.stats import spearmanr

from ljwx.core.evaluations import Question, ScoredAnswer
from ljwx.core.evidence.sessions import along, of_answers, of_rates, ranking_differences, score_differences

TASK, CLASSES = "price_direction", ("up", "flat", "down")
DAYS = [date(2024, 1, 1) + timedelta(at) for at in range(5)]
EVEN = dict.fromkeys(CLASSES, 1 / 3)


def questions(stocks, days=2, task=TASK, label="up"):
    return [
        Question(f"{task}-{day}-{i}", task, f"{i:06d}.SZ", DAYS[day], label, None, "", "")
        for day in range(days)
        for i in range(stocks)
    ]


def answered(asked, probabilities):
    """Each question answered with its probabilities; None is an invalid answer."""
    given = {}
    for question, said in zip(asked, probabilities, strict=True):
        valid = said is not None
        label = max(said, key=said.get) if valid else None
        reason = None if valid else "not_json"
        given[question.sample_id] = ScoredAnswer(question.sample_id, valid, label, said, reason=reason)
    return given


def drawn(count, seed):
    rows = np.random.default_rng(seed).dirichlet([2, 2, 2], size=count)
    return [dict(zip(CLASSES, row, strict=True)) for row in rows]


def test_a_session_says_by_how_much_its_rank_correlation_is_larger():
    asked = questions(30)
    ours, theirs = drawn(60, 1), drawn(60, 2)
    came = np.random.default_rng(3).normal(size=60)
    outcomes = {question.sample_id: value for question, value in zip(asked, came, strict=True)}
    found = ranking_differences(TASK, asked, answered(asked, ours), answered(asked, theirs), outcomes)
    for at, day in enumerate(found):
        part = slice(30 * at, 30 * (at + 1))
        ics = [spearmanr([p["up"] - p["down"] for p in said[part]], came[part]).statistic for said in (ours, theirs)]
        assert (day.session, day.stocks) == (DAYS[at], 30)
        assert day.value == pytest.approx(ics[0] - ics[1])
    alone = ranking_differences(TASK, asked, answered(asked, ours), None, outcomes)
    assert alone[0].value == pytest.approx(spearmanr([p["up"] - p["down"] for p in ours[:30]], came[:30]).statistic)


def test_sessions_with_few_outcomes_or_equal_ones_say_nothing():
    asked = questions(25, days=3)
    outcomes = {question.sample_id: float(at) for at, question in enumerate(asked)}
    outcomes |= {question.sample_id: 1.0 for question in asked[25:50]}
    for question in asked[:6]:
        del outcomes[question.sample_id]
    found = ranking_differences(TASK, asked, answered(asked, drawn(75, 1)), None, outcomes)
    assert [(day.session, day.stocks) for day in found] == [(DAYS[2], 25)]


def test_a_task_without_direction_orders_no_stocks():
    with pytest.raises(ValueError, match="does not order stocks"):
        ranking_differences("risk_assessment", [], {}, None, {})


def test_a_score_is_compared_with_the_rival_and_with_class_rates():
    asked = questions(2, days=1)
    sure = of_answers(answered(asked, [{"up": 0.8, "flat": 0.1, "down": 0.1}, {"up": 0.6, "flat": 0.2, "down": 0.2}]))
    even = of_answers(answered(asked, [EVEN, EVEN]))
    (day,) = score_differences(TASK, asked, sure, even, "brier")
    by_hand = (0.2**2 + 2 * 0.1**2 + 0.4**2 + 2 * 0.2**2) / 2
    assert day.value == pytest.approx(2 / 3 - by_hand)
    assert score_differences(TASK, asked, sure, of_rates(EVEN), "brier")[0].value == pytest.approx(day.value)


def test_an_invalid_answer_is_worse_than_to_say_the_same_of_all_classes():
    asked = questions(1, days=1)
    for rule in ("brier", "log"):
        (day,) = score_differences(TASK, asked, of_answers(answered(asked, [None])), of_rates(EVEN), rule)
        assert day.value < 0


def test_an_answer_without_probabilities_counts_as_certain():
    asked = questions(1, days=1)
    said = {asked[0].sample_id: ScoredAnswer(asked[0].sample_id, True, "down")}
    (day,) = score_differences(TASK, asked, of_answers(said), of_rates(EVEN), "brier")
    assert day.value == pytest.approx(2 / 3 - 2)


def test_values_stand_along_the_calendar_and_what_is_absent_says_nothing():
    placed = along(DAYS, [DAYS[3], DAYS[1]], [0.3, 0.1])
    assert placed == pytest.approx([np.nan, 0.1, np.nan, 0.3, np.nan], nan_ok=True)
    with pytest.raises(ValueError, match="2025-01-01 is no session"):
        along(DAYS, [date(2025, 1, 1)], [0.3])
