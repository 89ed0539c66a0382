from datetime import date, timedelta
from itertools import product

import numpy as np
import pytest

from ljwx.core.evaluations import Question, Resampling, ScoredAnswer, accuracy_interval, paired_difference


def ask(per_session):
    return [
        Question(
            f"{day}-{i}",
            "price_direction",
            f"{i:06d}.SZ",
            date(2024, 1, 1) + timedelta(day),
            "up",
            None,
            "main",
            "银行",
        )
        for day, n in enumerate(per_session)
        for i in range(n)
    ]


def say(questions, right):
    return [ScoredAnswer(q.sample_id, True, "up" if ok else "down") for q, ok in zip(questions, right, strict=True)]


def test_the_interval_is_that_of_every_possible_resample():
    # Eight sessions in blocks of 2: all 7**4 resamples can be written down. 1.44158... is what Student's t adds for 6
    # degrees of freedom (scipy.stats.t.ppf(0.975, 6) / norm.ppf(0.975)) times the root of 4/3.
    sizes = [1, 2, 3, 1, 2, 3, 1, 2]
    right = [1, 1, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 1, 0, 0]
    questions = ask(sizes)
    sums = [1, 1, 2, 0, 1, 1, 1, 0]
    means = []
    for starts in product(range(7), repeat=4):
        sessions = [start + step for start in starts for step in (0, 1)]
        means.append(sum(sums[s] for s in sessions) / sum(sizes[s] for s in sessions))
    centre = sum(means) / len(means)
    expected = [7 / 15 + 1.4415828318823305 * (q - centre) for q in np.quantile(means, [0.025, 0.975])]
    interval = accuracy_interval(questions, say(questions, right), Resampling(block=2, resamples=100_000, seed=4))
    assert interval.estimate == pytest.approx(7 / 15)
    assert (interval.low, interval.high) == pytest.approx(expected, abs=0.01)
    assert (interval.questions, interval.sessions) == (15, 8)


def test_the_difference_is_paired_so_that_what_is_hard_for_both_cancels_out():
    # The first 20 sessions are hard, the others easy; the challenger is right in one more of four in every session.
    questions = ask([4] * 40)
    ours = [i < (4 if day >= 20 else 2) for day in range(40) for i in range(4)]
    theirs = [i < (3 if day >= 20 else 1) for day in range(40) for i in range(4)]
    plan = Resampling(block=5, resamples=500)
    difference = paired_difference(questions, say(questions, ours), say(questions, theirs), plan)
    assert (difference.estimate, difference.low, difference.high) == pytest.approx((0.25, 0.25, 0.25))
    alone = accuracy_interval(questions, say(questions, ours), plan)
    assert alone.high - alone.low > 0.1


def test_questions_of_one_session_are_resampled_together():
    # 40 sessions, all right or all wrong in turn of a coin: ten questions each tell no more than one.
    coins = np.random.default_rng(2).random(40) < 0.5
    plan = Resampling(block=1, resamples=2000)
    few, many = ask([1] * 40), ask([10] * 40)
    narrow = accuracy_interval(many, say(many, np.repeat(coins, 10)), plan)
    wide = accuracy_interval(few, say(few, coins), plan)
    assert (narrow.low, narrow.high) == pytest.approx((wide.low, wide.high))


def test_an_interval_depends_on_its_seed_alone_and_not_on_the_order_of_questions():
    questions = ask([3] * 20)
    answers = say(questions, np.random.default_rng(1).random(60) < 0.6)
    plan = Resampling(block=2, resamples=200, seed=9)
    first = accuracy_interval(questions, answers, plan)
    assert accuracy_interval(questions[::-1], answers, plan) == first
    assert accuracy_interval(questions, answers, Resampling(block=2, resamples=200, seed=10)) != first


def test_fewer_than_four_blocks_of_sessions_give_no_interval():
    plan = Resampling(block=5, resamples=100)
    short, enough = ask([2] * 19), ask([2] * 20)
    assert paired_difference(short, say(short, [1] * 38), say(short, [0] * 38), plan) is None
    assert paired_difference(enough, say(enough, [1] * 40), say(enough, [0] * 40), plan).low == 1


def test_an_interval_stays_within_what_an_accuracy_can_be():
    questions = ask([1] * 8)
    interval = accuracy_interval(questions, say(questions, [0, 0, 1, 1, 1, 1, 1, 1]), Resampling(block=2, seed=1))
    assert interval.high == 1
    mirrored = accuracy_interval(questions, say(questions, [1, 1, 0, 0, 0, 0, 0, 0]), Resampling(block=2, seed=1))
    assert mirrored.low == 0


@pytest.mark.parametrize("change", [{"block": 0}, {"resamples": 10}, {"confidence": 1.0}, {"seed": -1}, {"blocks": 5}])
def test_a_resampling_that_means_nothing_is_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        Resampling(**change)
