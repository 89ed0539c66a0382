"""Two answerers by ranking and by a proper score, for one look."""

from datetime import date, timedelta

import numpy as np
import pytest
from scipy.stats import norm, spearmanr

from ljwx.core.evaluations import Question, Resampling, ScoredAnswer
from ljwx.core.evidence.paired import paired_measures

CLASSES = ("up", "flat", "down")
SIGN = {"up": 1, "flat": 0, "down": -1}
MANY, FEW = 60, 6
RATES = {"price_direction": {"up": 0.4, "flat": 0.25, "down": 0.35}}
RESAMPLING = Resampling(block=5, resamples=400)


def asked(sessions, stocks=12, task="price_direction"):
    generator = np.random.default_rng(1)
    start = date(2024, 1, 1)
    return [
        Question(f"{day}-{n}", task, f"{n}.SZ", start + timedelta(day), CLASSES[generator.integers(3)], None, "", "")
        for day in range(sessions)
        for n in range(stocks)
    ]


def answers(questions, seed, skill=0.0):
    """Probabilities drawn by chance, and drawn towards the truth as far as the skill goes."""
    generator = np.random.default_rng(seed)
    found = []
    for question in questions:
        truth = np.array([question.label == name for name in CLASSES], dtype=float)
        shares = (1 - skill) * generator.dirichlet([2, 2, 2]) + skill * truth
        found.append(ScoredAnswer(question.sample_id, True, "flat", dict(zip(CLASSES, shares, strict=True))))
    return found


def by_session(questions, given, measure):
    """The measure of each session by SciPy, and by the definition of the Brier score."""
    told = {each.sample_id: each.probabilities for each in given}
    values = []
    for day in sorted({each.session for each in questions}):
        mine = [(told[each.sample_id], each.label) for each in questions if each.session == day]
        if measure == "brier":
            values.append(np.mean([sum((p[c] - (c == label)) ** 2 for c in CLASSES) for p, label in mine]))
        else:
            values.append(
                spearmanr([p["up"] - p["down"] for p, _ in mine], [SIGN[label] for _, label in mine]).statistic
            )
    return np.array(values)


@pytest.mark.parametrize("measure", ["rank_ic", "brier"])
def test_both_are_told_as_means_over_sessions_with_their_difference(measure):
    questions = asked(MANY)
    first, second = answers(questions, 2, skill=0.3), answers(questions, 3)
    (told,) = (each for each in paired_measures(questions, first, second, RESAMPLING, RATES) if each.measure == measure)
    ours, theirs = by_session(questions, first, measure), by_session(questions, second, measure)
    assert (told.task, told.sessions) == ("price_direction", MANY)
    assert (told.first, told.second) == (pytest.approx(ours.mean()), pytest.approx(theirs.mean()))
    assert told.difference == pytest.approx((ours - theirs).mean())
    assert told.low < told.difference < told.high
    assert (told.low > 0) if measure == "rank_ic" else (told.high < 0)


def test_what_remains_and_what_could_have_been_found_follow_from_the_width_of_the_bounds():
    questions = asked(MANY)
    told, _ = paired_measures(questions, answers(questions, 2, skill=0.3), answers(questions, 3), RESAMPLING, RATES)
    error = (told.high - told.low) / 2 / norm.ppf(0.975)
    assert told.shrunken == pytest.approx(told.difference * 0.03**2 / (0.03**2 + error**2))
    assert told.smallest == pytest.approx((norm.ppf(0.975) + norm.ppf(0.8)) * error, rel=0.02)


def test_a_score_stands_beside_that_of_one_who_says_the_class_rates():
    questions = asked(MANY)
    ranked, scored = paired_measures(questions, answers(questions, 2), answers(questions, 3), RESAMPLING, RATES)
    always = [ScoredAnswer(each.sample_id, True, "up", RATES["price_direction"]) for each in questions]
    assert scored.class_rates == pytest.approx(by_session(questions, always, "brier").mean())
    assert ranked.class_rates is None


def test_few_sessions_have_a_difference_and_no_bounds():
    questions = asked(FEW)
    for told in paired_measures(questions, answers(questions, 2), answers(questions, 3), RESAMPLING, RATES):
        assert told.sessions == FEW
        assert (told.low, told.high, told.shrunken, told.smallest) == (None, None, None, None)


def test_an_invalid_answer_scores_worse_than_the_same_to_all_and_copying_is_not_measured():
    questions = [*asked(FEW), *copied()]
    invalid = [ScoredAnswer(each.sample_id, False, None, reason="not_the_schema") for each in questions]
    third = dict.fromkeys(CLASSES, 1 / 3)
    alike = [ScoredAnswer(each.sample_id, True, each.label, _of(each, third)) for each in questions]
    ranked, scored = paired_measures(questions, invalid, alike, RESAMPLING, RATES)
    assert (ranked.first, ranked.second, scored.first) == (0.0, 0.0, 1.0)
    assert scored.second == pytest.approx(2 / 3)


def copied():
    return [Question("copied", "technical_analysis", "1.SZ", date(2024, 1, 1), "bullish", None, "", "")]


def _of(question, shares):
    return shares if question.task == "price_direction" else None
