import json
from datetime import date, timedelta

import pytest

from ljwx.core.evaluations import (
    Question,
    Resampling,
    Scorecard,
    ScoredAnswer,
    answer_all,
    majority,
    persistence,
    question_set_hash,
    score,
)
from ljwx.core.tasks import TASKS
from ljwx.exceptions import ConfigurationError

NAMES = {"u": "up", "f": "flat", "d": "down", "n": "neutral", "b": "bullish", "-": None}

# Truth, answers (x: invalid) and probabilities of up, flat, down in tenths: drawn at random once.
TRUTH = "fdduududduuuuuffddfduufuufudffuuuufuuudu"
SAID = "fufufxufdxuuxuffuufdfuuffxudffufuffxuuuu"
TENTHS = """
1 6 3; 5 2 3; 2 4 4; 5 5 0; 3 7 0; 0 3 7; 6 1 3; 4 5 1; 6 2 2; 0 5 5; 4 2 4; 6 3 1; 5 2 3; 0 1 9; 4 0 6; 1 7 2; 7 3 0;
7 1 2; 1 9 0; 8 1 1; 3 5 2; 5 4 1; 5 4 1; 2 4 4; 0 10 0; 5 4 1; 6 3 1; 3 4 3; 9 0 1; 4 2 4; 6 3 1; 1 8 1; 3 4 3; 4 5 1;
2 5 3; 8 0 2; 2 6 2; 5 1 4; 4 3 3; 5 3 2
"""
PROBABILITIES = [[int(tenth) / 10 for tenth in row.split()] for row in TENTHS.split(";")]


def ask(truth, previous=None, task="price_direction", prefix="s"):
    return [
        Question(
            f"{prefix}{i}",
            task,
            f"{i:06d}.SZ",
            date(2024, 1, 1) + timedelta(days=i % 10),
            NAMES[letter],
            NAMES[(previous or "-" * len(truth))[i]],
            "main",
            "银行",
        )
        for i, letter in enumerate(truth)
    ]


def say(said, prefix="s", probabilities=None, latency=0.0):
    return [
        ScoredAnswer(
            f"{prefix}{i}",
            letter != "x",
            NAMES.get(letter),
            dict(zip(TASKS["price_direction"].classes, probabilities[i], strict=True)) if probabilities else None,
            latency,
            reason="not_json" if letter == "x" else None,
        )
        for i, letter in enumerate(said)
    ]


def test_metrics_agree_with_scikit_learn():
    # Expected values: scikit-learn 1.9.1, invalid answers given as a fourth label that is never true:
    # accuracy_score, balanced_accuracy_score, f1_score(labels=u,f,d, average="macro"), matthews_corrcoef,
    # confusion_matrix; brier_score_loss(scale_by_half=False) of the 35 valid answers.
    part = score(ask(TRUTH), say(SAID, probabilities=PROBABILITIES)).tasks["price_direction"]
    assert part.accuracy == pytest.approx(0.55, rel=1e-12)
    assert part.balanced_accuracy == pytest.approx(0.5497354497354497, rel=1e-12)
    assert part.macro_f1 == pytest.approx(0.558816914080072, rel=1e-12)
    assert part.mcc == pytest.approx(0.35294393985645045, rel=1e-12)
    assert part.confusion == ((12, 6, 0, 3), (1, 7, 0, 1), (4, 2, 3, 1))
    assert part.calibration.n == 35
    assert part.calibration.brier == pytest.approx(0.82, rel=1e-12)


@pytest.mark.parametrize(
    ("truth", "said", "accuracy", "balanced", "f1", "mcc"),
    [  # scikit-learn 1.9.1, as above; f1 over the classes in truth or answers, zero_division=0
        ("uuuu", "uuff", 0.5, 0.5, 1 / 3, 0),
        ("uuuu", "uuuu", 1, 1, 1, 0),
        ("ufdu", "xxxx", 0, 0, 0, 0),
        ("ufd", "uuu", 1 / 3, 1 / 3, 1 / 6, 0),
    ],
)
def test_degenerate_sets_score_as_in_scikit_learn(truth, said, accuracy, balanced, f1, mcc):
    part = score(ask(truth), say(said)).tasks["price_direction"]
    assert (part.accuracy, part.balanced_accuracy, part.macro_f1, part.mcc) == pytest.approx(
        (accuracy, balanced, f1, mcc), rel=1e-12
    )


def test_reliability_bins_and_their_error_are_those_of_a_hand_calculation():
    # Valid answers by their largest probability, counted by hand: (answers, right ones) at 0.4, 0.5, ... 1.0.
    by_hand = {0.4: (7, 1), 0.5: (10, 5), 0.6: (8, 5), 0.7: (4, 1), 0.8: (2, 0), 0.9: (3, 1), 1.0: (1, 0)}
    calibration = score(ask(TRUTH), say(SAID, probabilities=PROBABILITIES)).overall.calibration
    assert [(b.high, b.n, b.accuracy) for b in calibration.bins] == [
        (high, n, pytest.approx(right / n)) for high, (n, right) in by_hand.items()
    ]
    assert [b.confidence for b in calibration.bins] == pytest.approx(list(by_hand))
    assert calibration.ece == pytest.approx(sum(abs(n * high - right) for high, (n, right) in by_hand.items()) / 35)


def test_invalid_answers_count_as_wrong_and_are_reported_by_reason():
    card = score(ask("uuuu"), say("uuxx"))
    assert card.overall.valid_share == 0.5
    assert card.overall.accuracy == 0.5
    assert card.overall.invalid_reasons == {"not_json": 2}


def test_the_label_of_an_invalid_answer_is_never_read():
    assert score(ask("u"), [ScoredAnswer("s0", False, "up", reason="prose_only")]).overall.accuracy == 0


def test_the_modal_share_is_of_the_valid_answers_and_unknown_without_any():
    assert score(ask("uuuu"), say("ffux")).overall.modal_share == pytest.approx(2 / 3)
    assert score(ask("uuuu"), say("xxxx")).overall.modal_share is None


def test_overall_pools_answers_and_averages_what_depends_on_classes():
    questions = ask("uuff") + ask("nb", task="technical_analysis", prefix="t")
    card = score(questions, say("uuuf") + say("bb", prefix="t"))
    assert list(card.tasks) == ["price_direction", "technical_analysis"]
    assert card.overall.n == 6
    assert card.overall.accuracy == pytest.approx(4 / 6)
    assert card.overall.balanced_accuracy == pytest.approx((0.75 + 0.5) / 2)
    # F1 of up 4/5, of flat 2/3; of bullish 2/3, of neutral 0.
    assert card.overall.macro_f1 == pytest.approx(((4 / 5 + 2 / 3) / 2 + 1 / 3) / 2)
    assert card.overall.modal_share == 1.0


def test_latency_and_speed_come_from_the_answers_or_from_the_wall_clock():
    answers = [ScoredAnswer(f"s{i}", True, "up", None, float(i + 1), 100, 20) for i in range(4)]
    overall = score(ask("uuuu"), answers).overall
    # Linear interpolation over 1, 2, 3, 4: the quantile q lies at 1 + 3 q.
    latency = overall.latency
    assert (latency.mean, latency.p50, latency.p90) == pytest.approx((2.5, 2.5, 3.7))
    assert (latency.p95, latency.p99) == pytest.approx((3.85, 3.97))
    assert overall.answers_per_s == pytest.approx(0.4)
    assert (overall.prompt_tokens, overall.answer_tokens) == (400, 80)
    assert score(ask("uuuu"), answers, wall_s=2.0).overall.answers_per_s == 2.0
    assert score(ask("u"), say("u")).overall.answers_per_s is None


def test_a_scorecard_survives_json_and_cannot_be_changed():
    card = score(
        ask(TRUTH),
        say(SAID, probabilities=PROBABILITIES),
        resampling=Resampling(block=2, resamples=100, confidence=0.9, seed=1),
    )
    text = card.model_dump_json()
    assert Scorecard.model_validate_json(text) == card
    assert json.loads(text)["question_set"] == question_set_hash(ask(TRUTH))
    assert card.overall.accuracy_interval.low < 0.55 < card.overall.accuracy_interval.high
    with pytest.raises(ValueError, match="frozen"):
        card.question_set = "other"


@pytest.mark.parametrize(
    ("questions", "answers", "message"),
    [
        (ask("uu"), say("u"), "1 of 2 have no answer, first s1"),
        (ask("u"), say("uu"), "1 of 1 were never asked, first s1"),
        (ask("u"), say("u") + say("f"), "s0 is answered twice"),
        (ask("u") + ask("f"), say("u"), "sample_id occurs twice"),
        (ask("u"), [ScoredAnswer("s0", True, "buy")], "'buy' is no class of price_direction"),
        (ask("u"), [ScoredAnswer("s0", True, "up", {"up": 1.0})], "are no probabilities"),
        (ask("u"), say("u", probabilities=[[0.5, 0.5, 0.5]]), "sum to 1.5"),
        (ask("u"), say("u", probabilities=[[1.5, -0.5, 0.0]]), "are no probabilities"),
        (ask("u"), say("u", probabilities=[[float("nan"), 0.5, 0.5]]), "are no probabilities"),
    ],
)
def test_answers_that_do_not_fit_the_questions_are_refused(questions, answers, message):
    with pytest.raises(ValueError, match=message):
        score(questions, answers)


def test_a_set_of_no_questions_is_refused():
    with pytest.raises(ConfigurationError, match="question set: it is empty"):
        score([], [])


def test_majority_says_the_most_frequent_class_of_train_with_its_frequencies():
    questions = ask("udfu")
    card = score(questions, answer_all(majority({"price_direction": {"down": 6, "up": 3, "flat": 1}}), questions))
    assert card.overall.accuracy == 0.25
    assert card.overall.modal_share == 1.0
    assert card.overall.latency.mean == 0
    # By hand, with p = (0.3, 0.1, 0.6): up 0.86 twice, down 0.26, flat 1.26.
    assert card.overall.calibration.brier == pytest.approx((0.86 * 2 + 0.26 + 1.26) / 4)


@pytest.mark.parametrize(
    "counts", [{}, {"price_direction": {}}, {"price_direction": {"buy": 3}}, {"price_direction": {"up": 0}}]
)
def test_majority_without_usable_counts_is_refused(counts):
    with pytest.raises(ValueError, match="majority: "):
        answer_all(majority(counts), ask("u"))


def test_a_tied_majority_is_the_class_listed_first():
    (answer,) = answer_all(majority({"price_direction": {"down": 5, "flat": 5}}), ask("u"))
    assert answer.label == "flat"


def test_persistence_repeats_the_last_mature_label_and_is_wrong_where_there_is_none():
    questions = ask("uufd", previous="ufd-")
    card = score(questions, answer_all(persistence, questions))
    assert card.overall.accuracy == 0.25
    assert card.overall.invalid_reasons == {"no_previous_label": 1}
