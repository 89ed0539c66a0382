"""Reported intervals are honest: chance seldom looks like skill at one look. Synthetic answerers, 1,000 trials.

Every trial has its own two answerers over the same questions. The interval is made by ``block_interval``, which every
difference in accuracy that a report tells comes from.
"""

from datetime import date, timedelta
from functools import partial
from statistics import NormalDist

import numpy as np
import pytest

from ljwx.core.evaluations import Question, ScoredAnswer, paired_difference
from ljwx.core.evaluations.intervals import block_interval
from ljwx.core.promotions import GatePolicy

HORIZON = 5
POLICY = GatePolicy(min_questions=80)
RESAMPLING = POLICY.resampling(HORIZON, seed=7)
CLASSES = ("up", "flat", "down")

# 5 % of 1,000 trials, and two standard errors of such a count: sqrt(1000 * 0.05 * 0.95) = 6.9.
CHANCE_AT_MOST = 50 + 14


def rights(generator, accuracy, trials, sessions, per_session, within, over):
    """Whether each answer is right: trials × sessions × questions, right with probability ``accuracy``.

    An answer's luck has three parts, of the shares ``within`` (of its session), ``over`` (of its session and the
    HORIZON - 1 before it, as overlapping labels share them) and the rest (its own).
    """
    noise = generator.normal(size=(trials, sessions + HORIZON - 1))
    sums = np.cumsum(np.pad(noise, ((0, 0), (1, 0))), axis=1)
    shared = (sums[:, HORIZON:] - sums[:, :-HORIZON]) / HORIZON**0.5
    day = generator.normal(size=(trials, sessions))
    own = generator.normal(size=(trials, sessions, per_session))
    luck = (over**0.5 * shared + within**0.5 * day)[:, :, None] + (1 - within - over) ** 0.5 * own
    return luck < NormalDist().inv_cdf(accuracy)


@pytest.fixture(scope="module")
def trials():
    return 1000


@pytest.fixture(scope="module")
def promoted(trials):
    return partial(count_promoted, trials)


def count_promoted(trials, champion, challenger, sessions, per_session, within, over, seed, counts=None):
    """Count the trials whose interval lies above the margin.

    :param counts: questions of each session, at most ``per_session``; by default as many.
    """
    generator = np.random.default_rng(seed)
    counts = np.full(sessions, per_session) if counts is None else counts
    asked = np.arange(per_session) < counts[:, None]
    shape = (trials, sessions, per_session, within, over)
    theirs, ours = (rights(generator, accuracy, *shape) & asked for accuracy in (champion, challenger))
    sums = (ours.sum(axis=2) - theirs.sum(axis=2)).T.astype(float)
    _, low, _ = block_interval(sums, counts.astype(float), RESAMPLING)
    return int((low > POLICY.margin).sum())


CLUSTERED = np.array([4, 4, 1] * 20)
"""What predicts of the default 240: one task asked once on each of 60 sessions, two others in clusters of three."""


LUCK = pytest.mark.parametrize(
    ("within", "over"),
    [(0.0, 0.0), (0.3, 0.0), (0.0, 0.3), (0.15, 0.15)],
    ids=["independent", "within-a-session", "over-the-horizon", "both"],
)


@LUCK
@pytest.mark.parametrize(("sessions", "per_session"), [(50, 5), (60, 4), (120, 2), (240, 4)])
def test_without_a_real_difference_chance_promotes_in_at_most_one_of_twenty_trials(
    promoted, sessions, per_session, within, over
):
    assert promoted(0.4, 0.4, sessions, per_session, within, over, seed=sessions) <= CHANCE_AT_MOST


@LUCK
def test_clusters_of_questions_make_chance_promote_no_more(promoted, within, over):
    assert promoted(0.4, 0.4, 60, 5, within, over, seed=9, counts=CLUSTERED) <= CHANCE_AT_MOST


def test_a_planted_difference_is_found_in_clusters_too(promoted, trials):
    assert promoted(0.4, 0.56, 60, 5, 0.0, 0.0, seed=5, counts=CLUSTERED) >= 0.8 * trials
    assert promoted(0.4, 0.6, 60, 5, 0.1, 0.0, seed=5, counts=CLUSTERED) >= 0.8 * trials


@pytest.mark.parametrize("accuracy", [0.1, 0.34, 0.6, 0.9])
def test_chance_promotes_no_more_however_good_both_are(promoted, accuracy):
    assert promoted(accuracy, accuracy, 60, 4, 0.15, 0.15, seed=3) <= CHANCE_AT_MOST


def test_a_worse_challenger_is_promoted_more_seldom_than_the_confidence_allows_an_equal_one(promoted, trials):
    assert promoted(0.45, 0.4, 60, 4, 0.15, 0.15, seed=4) <= trials * (1 - POLICY.confidence) / 2


def test_the_fewest_sessions_of_these_trials_are_the_fewest_that_the_policy_allows():
    assert POLICY.min_sessions == 50
    assert POLICY.block == 2 * HORIZON


@pytest.mark.parametrize(
    ("points", "sessions", "per_session", "within", "over"),
    [
        (16, 60, 4, 0.0, 0.0),
        (20, 60, 4, 0.1, 0.0),
        (24, 60, 4, 0.0, 0.1),
        (10, 120, 4, 0.0, 0.0),
        (16, 120, 4, 0.1, 0.1),
    ],
)
def test_a_planted_difference_is_found_in_four_of_five_trials(
    promoted, trials, points, sessions, per_session, within, over
):
    found = promoted(0.4, 0.4 + points / 100, sessions, per_session, within, over, seed=5)
    assert found >= 0.8 * trials


def test_the_interval_covers_the_true_difference_as_often_as_it_says(trials):
    generator = np.random.default_rng(6)
    shape = (trials, 60, 4, 0.1, 0.1)
    difference = (rights(generator, 0.5, *shape).sum(axis=2) - rights(generator, 0.4, *shape).sum(axis=2)).T
    _, low, high = block_interval(difference.astype(float), np.full(60, 4.0), RESAMPLING)
    covered = ((low <= 0.1) & (high >= 0.1)).mean()
    assert covered >= RESAMPLING.confidence - 0.014  # two standard errors of a share of 95 % in 1,000 trials


def questions(sessions, per_session):
    """The true classes take turns, so that a right answerer does not look collapsed."""
    start = date(2024, 1, 1)
    return [
        Question(f"{day}-{i}", "price_direction", f"{i:06d}.SZ", start + timedelta(day), CLASSES[i % 3], None, "", "")
        for day in range(sessions)
        for i in range(per_session)
    ]


def said(asked, right):
    wrong = {"up": "flat", "flat": "down", "down": "up"}
    labels = [q.label if ok else wrong[q.label] for q, ok in zip(asked, right, strict=True)]
    return [ScoredAnswer(q.sample_id, True, label, None, 1.0) for q, label in zip(asked, labels, strict=True)]


@pytest.mark.parametrize(("champion", "challenger"), [(0.4, 0.4), (0.4, 0.55)])
def test_a_difference_of_whole_answers_has_the_interval_of_their_sums(champion, challenger):
    trials, sessions, per_session = 60, 60, 4
    generator, asked = np.random.default_rng(8), questions(sessions, per_session)
    shape = (trials, sessions, per_session, 0.1, 0.1)
    theirs, ours = (rights(generator, accuracy, *shape) for accuracy in (champion, challenger))
    sums = (ours.sum(axis=2) - theirs.sum(axis=2)).T.astype(float)
    _, low, _ = block_interval(sums, np.full(sessions, float(per_session)), RESAMPLING)
    found = []
    for mine, other in zip(ours, theirs, strict=True):
        gap = paired_difference(asked, said(asked, mine.ravel()), said(asked, other.ravel()), RESAMPLING)
        assert gap is not None
        found.append(gap.low)
    assert found == pytest.approx(low.tolist())
    assert any(each > 0 for each in found) or challenger == champion
