import hashlib
import os
import random
import sys
from collections import Counter
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ljwx.core.evaluations import Question, ScoredAnswer, distribution, freeze, question_set_hash, score
from ljwx.core.promotions import GatePolicy
from ljwx.core.tasks import TASKS
from ljwx.exceptions import ConfigurationError
from ljwx.settings import EvaluationSettings

START = date(2024, 1, 1)
BOARDS = ("main", "chinext", "star")


def question(number, task="price_direction", day=0, board="main", label=None):
    return Question(
        f"s{number}",
        task,
        f"{number:06d}.SZ",
        START + timedelta(days=day),
        label or TASKS[task].classes[0],
        None,
        board,
        "银行",
    )


def market(tasks=TASKS, days=30, per_day=40):
    """A candidate set with 60/30/10 % of the classes, 50/35/15 % of the boards, and as many of each task."""
    generator = random.Random(5)
    cells = [(task, day) for task in tasks for day in range(days) for _ in range(per_day)]
    return [
        question(
            number,
            task,
            day,
            board=generator.choices(BOARDS, (50, 35, 15))[0],
            label=generator.choices(TASKS[task].classes, (60, 30, 10))[0],
        )
        for number, (task, day) in enumerate(cells)
    ]


CANDIDATES = market()


def test_a_frozen_set_has_as_many_questions_of_each_task():
    assert Counter(q.task for q in freeze(CANDIDATES, 402, seed=1)) == dict(
        zip(TASKS, (100, 100, 101, 101), strict=True)
    )


def test_a_task_with_few_candidates_leaves_its_share_to_the_others():
    few = [q for q in CANDIDATES if q.task != "risk_assessment"] + [
        q for q in CANDIDATES if q.task == "risk_assessment"
    ][:10]
    assert Counter(q.task for q in freeze(few, 100, seed=1)) == {
        "investment_advice": 30,
        "risk_assessment": 10,
        "price_direction": 30,
        "technical_analysis": 30,
    }


@pytest.mark.parametrize("size", [12, 60, 100, 333])
def test_sessions_boards_and_classes_keep_their_shares(size):
    candidates = [q for q in CANDIDATES if q.task == "risk_assessment"]
    frozen = freeze(candidates, size, seed=3)
    assert len(frozen) == size
    for key, slack in ((lambda q: q.session, 1), (lambda q: q.board, 2), (lambda q: q.label, 2)):
        there, chosen = Counter(map(key, candidates)), Counter(map(key, frozen))
        for value, count in there.items():
            assert abs(chosen[value] - size * count / len(candidates)) < slack, value


def test_fewer_questions_than_sessions_are_spread_evenly_over_time():
    candidates = [q for q in CANDIDATES if q.task == "risk_assessment"]
    days = [(q.session - START).days for q in freeze(candidates, 10, seed=3)]
    assert {later - earlier for earlier, later in pairwise(days)} == {3}


@pytest.mark.parametrize("size", [30, 60, 62, 333])
@pytest.mark.parametrize("task", ["price_direction", "investment_advice"])
def test_a_task_about_returns_is_asked_of_three_stocks_a_session_or_more(task, size):
    frozen = freeze([q for q in CANDIDATES if q.task == task], size, seed=3)
    by_session = {day: [q for q in frozen if q.session == day] for day in {q.session for q in frozen}}
    assert len(frozen) == size
    assert len(by_session) == min(size // 3, 30)
    for members in by_session.values():
        assert size // len(by_session) <= len(members) <= -(-size // len(by_session))
        assert len({q.label for q in members}) > 1
    days = sorted(by_session)
    gaps = {(later - earlier).days for earlier, later in pairwise(days)}
    assert max(gaps) - min(gaps) <= 1
    for key in (lambda q: q.board, lambda q: q.label):
        there = Counter(key(q) for q in CANDIDATES if q.task == task)
        chosen = Counter(map(key, frozen))
        for value, count in there.items():
            assert abs(chosen[value] - size * count / there.total()) < 4, value


def test_sessions_with_too_few_stocks_or_one_class_give_what_the_others_cannot():
    pairs = [question(at, day=at // 2, label=("up", "down")[at % 2]) for at in range(20)]
    alike = [question(100 + at, day=20 + at // 3) for at in range(9)]
    able = [question(200 + at, day=30, label=("up", "flat", "down")[at]) for at in range(3)]
    frozen = freeze(pairs + alike + able, 9, seed=1)
    assert Counter(q.session for q in frozen)[START + timedelta(days=30)] == 3
    assert len(frozen) == 9
    assert len(freeze(pairs + alike, 9, seed=1)) == 9


def test_the_default_question_set_has_a_rank_correlation_and_the_sessions_that_the_gate_wants():
    """Sixty validation sessions, as a year and a half of sessions gives."""
    questions = freeze(market(days=60, per_day=12), EvaluationSettings().questions, EvaluationSettings().seed)
    answers = [ScoredAnswer(q.sample_id, True, q.label) for q in questions]
    card = score(questions, answers)
    assert card.overall.sessions >= GatePolicy().min_sessions
    for task in ("price_direction", "investment_advice"):
        assert card.tasks[task].rank_ic.sessions == EvaluationSettings().questions // 4 // 3
        assert card.tasks[task].rank_ic.mean == pytest.approx(1.0)


@settings(deadline=None)  # other processes share the machine
@given(st.randoms(use_true_random=False), st.integers(1, 60), st.integers(0, 2**40))
def test_the_choice_does_not_depend_on_the_order_of_candidates(shuffler, size, seed):
    some = CANDIDATES[::100]
    shuffled = list(some)
    shuffler.shuffle(shuffled)
    assert freeze(shuffled, size, seed) == freeze(some, size, seed)


def test_another_seed_chooses_others():
    assert set(freeze(CANDIDATES, 100, seed=1)) != set(freeze(CANDIDATES, 100, seed=2))


def test_the_choice_is_the_same_in_processes_with_other_hash_seeds(programs):
    code = (  # as a command, which does without Airflow: it loads for two seconds
        "import ljwx.cli; from test_questions import *; print(question_set_hash(freeze(CANDIDATES, 50, 1)), "
        "*[q.sample_id for q in freeze(CANDIDATES, 50, 1)])"
    )
    outputs = {
        programs.run(
            [sys.executable, "-c", code],
            env={
                **os.environ,
                "PYTHONHASHSEED": hash_seed,
                "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path]),
            },
            check=True,
            capture_output=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert next(iter(outputs)).count(b" s") == 50


def test_questions_of_a_task_follow_each_other_in_time_order():
    frozen = freeze(CANDIDATES, 200, seed=1)
    assert [(list(TASKS).index(q.task), q.session) for q in frozen] == sorted(
        (list(TASKS).index(q.task), q.session) for q in frozen
    )


def test_with_too_few_candidates_all_are_taken():
    assert set(freeze(CANDIDATES[:7], 10, seed=1)) == set(CANDIDATES[:7])


@pytest.mark.parametrize(
    ("candidates", "size", "message"),
    [
        ([], 10, "no candidates; the split is empty"),
        (CANDIDATES, 0, "size must be at least 1, not 0"),
    ],
)
def test_a_set_that_cannot_be_frozen_is_refused(candidates, size, message):
    with pytest.raises(ConfigurationError, match=message):
        freeze(candidates, size, seed=1)


def test_a_sample_that_is_listed_twice_is_refused():
    with pytest.raises(ValueError, match="sample_id occurs twice"):
        freeze([question(1), question(1, day=3)], 2, seed=1)


def test_the_hash_is_the_sha256_of_the_fields_whatever_the_order():
    lines = (
        '{"board": "main", "industry": "银行", "label": "up", "previous_label": null, "sample_id": "s1", '
        '"session": "2024-01-01", "task": "price_direction", "ts_code": "000001.SZ"}\n'
        '{"board": "main", "industry": "银行", "label": "up", "previous_label": null, "sample_id": "s2", '
        '"session": "2024-01-03", "task": "price_direction", "ts_code": "000002.SZ"}'
    )
    first, second = question(1), question(2, day=2)
    assert question_set_hash([first, second]) == hashlib.sha256(lines.encode()).hexdigest()
    assert question_set_hash([second, first]) == question_set_hash([first, second])
    assert question_set_hash([first]) != question_set_hash([question(1, label="down")])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "astrology"}, "unknown task 'astrology'"),
        ({"label": "buy"}, "label 'buy' is no class of price_direction"),
        ({"previous_label": "UP"}, "previous_label 'UP' is no class"),
    ],
)
def test_a_question_with_a_foreign_class_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Question(**{**vars(question(1)), **change})


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (("a", True, None), "valid, but without a label"),
        (("a", False, "up"), "invalid, but without a reason"),
        (("a", True, "up", None, -0.1), "not negative"),
        (("a", True, "up", None, float("nan")), "finite"),
        (("a", True, "up", None, 0.1, -1), "not negative"),
    ],
)
def test_a_contradictory_answer_is_refused(answer, message):
    with pytest.raises(ValueError, match=message):
        ScoredAnswer(*answer)


def test_rounded_probabilities_are_scaled_to_one():
    assert distribution("price_direction", {"down": 0.33, "flat": 0.33, "up": 0.33}) == {
        "up": pytest.approx(1 / 3),
        "flat": pytest.approx(1 / 3),
        "down": pytest.approx(1 / 3),
    }


@pytest.mark.parametrize(
    "written",
    [
        {"up": 0.5, "flat": 0.5},
        {"up": 0.5, "flat": 0.3, "down": 0.2, "sideways": 0.0},
        {"up": 0.5, "flat": 0.3, "down": 0.1},
        {"up": 1.2, "flat": -0.2, "down": 0.0},
        {"up": float("nan"), "flat": 0.5, "down": 0.5},
        {"up": float("inf"), "flat": 0.5, "down": 0.5},
        {},
    ],
)
def test_numbers_that_are_no_probabilities_are_not_made_into_some(written):
    assert distribution("price_direction", written) is None
