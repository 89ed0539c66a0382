import random
import re
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest

from ljwx.core.claims.prose import read
from ljwx.core.evaluations import ClaimCounts, Question, ScoredAnswer, paired_difference, score
from ljwx.core.evidence import Bounds, Size, Weighed
from ljwx.core.promotions import (
    Against,
    Circumstances,
    Decision,
    GatePolicy,
    RolledBack,
    decide_line,
    floors,
    reported,
    with_reported,
    with_sealed_test,
)
from ljwx.core.promotions.reasons import Looked, calibration, decided_before, left_out
from ljwx.exceptions import ConfigurationError
from support_claims import corpus

POLICY = GatePolicy(min_questions=80, min_sessions=40, block=10, resamples=1000, max_latency_p95_s=2.0)
TASKS = {"price_direction": ("up", "flat", "down"), "technical_analysis": ("bullish", "neutral", "bearish")}


def ask(sessions=40, tasks=("price_direction",), per_session=6):
    """The true classes take turns, so that a right answerer does not look collapsed."""
    return [
        Question(
            f"{task}-{day}-{i}",
            task,
            f"{i:06d}.SZ",
            date(2024, 1, 1) + timedelta(day),
            TASKS[task][i % 3],
            None,
            "main",
            "银行",
        )
        for task in tasks
        for day in range(sessions)
        for i in range(per_session)
    ]


def say(questions, right, latency=1.0):
    """Right answers where told; elsewhere the next class of the task."""
    answers = []
    for question, is_right in zip(questions, right, strict=True):
        classes = TASKS[question.task]
        label = question.label if is_right else classes[(classes.index(question.label) + 1) % 3]
        answers.append(ScoredAnswer(question.sample_id, True, label, None, latency))
    return answers


def invalid(answers):
    return [
        ScoredAnswer(answer.sample_id, False, None, None, answer.latency_s, reason="not_json") for answer in answers
    ]


def weighed(mean, confirmed):
    size = Size(raw=mean, error=0.01, spread=0.1, shrunken=mean / 2, sessions=120)
    return Weighed(confirmed, False, 4.0, 3.0, 120, size, Bounds(mean - 0.03, mean + 0.03), 0.04)


BETTER, EQUAL = Against(weighed(0.05, True)), Against(weighed(0.0, False))
ALONE = Against(weighed(0.05, True), {"price_direction": weighed(0.02, True)})


def judge(
    questions, ours, theirs=None, policy=POLICY, baselines=None, over_champion=BETTER, rolled_back=None, alone=None
):
    """What is decided on answers: the floors are those of the answers, the evidence of sessions is as told."""
    card, champion = (None if said is None else score(questions, said) for said in (ours, theirs))
    held = floors(policy, card, champion, rolled_back)
    looks = Circumstances(looks=1, lines=1, alpha=0.01, spent=0.01)
    decision = decide_line(policy, held, over_champion if champion else None, alone or ALONE, looks)
    return with_reported(decision, reported(policy, card, baselines or {}, rolled_back))


def codes(decision, *, favourable):
    return [reason.code for reason in decision.reasons if reason.favourable is favourable]


QUESTIONS = ask()
HALF = [i % 2 for i in range(len(QUESTIONS))]
ALL = [1] * len(QUESTIONS)


def test_the_first_champion_needs_the_floors_only_and_is_called_unproven():
    decision = judge(QUESTIONS, say(QUESTIONS, HALF), alone=EQUAL)
    assert (decision.promote, decision.verdict) == (True, "first_champion")
    assert codes(decision, favourable=True)[:5] == [
        "questions",
        "valid_share:price_direction",
        "modal_share:price_direction",
        "latency_p95",
        "first_champion_unproven",
    ]


def test_accuracy_on_the_questions_promotes_nobody_and_keeps_nobody_from_it():
    worse, better = say(QUESTIONS, HALF), say(QUESTIONS, ALL)
    assert judge(QUESTIONS, better, worse, over_champion=EQUAL).verdict == "kept_champion"
    assert judge(QUESTIONS, worse, better).verdict == "promoted"


@pytest.mark.parametrize("champion", [None, HALF])
@pytest.mark.parametrize(
    ("questions", "answers", "code"),
    [
        (ask(per_session=1), say(ask(per_session=1), [1] * 40), "questions"),
        (QUESTIONS, invalid(say(QUESTIONS, ALL)), "valid_share:price_direction"),
        (QUESTIONS, invalid(say(QUESTIONS, ALL))[:13] + say(QUESTIONS, ALL)[13:], "valid_share:price_direction"),
        (QUESTIONS, [ScoredAnswer(q.sample_id, True, "flat") for q in QUESTIONS], "modal_share:price_direction"),
        (QUESTIONS, say(QUESTIONS, ALL, latency=2.1), "latency_p95"),
    ],
    ids=["few", "invalid", "some-invalid", "collapsed", "slow"],
)
def test_a_challenger_below_a_floor_is_rejected_with_or_without_a_champion(questions, answers, code, champion):
    theirs = champion and say(questions, champion[: len(questions)])
    decision = judge(questions, answers, theirs)
    assert (decision.promote, decision.verdict) == (False, "rejected")
    assert code in codes(decision, favourable=False)


def claiming(answers, right, wrong, unsupported):
    return [replace(answer, claims=ClaimCounts(right, wrong, unsupported)) for answer in answers]


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [((9, 1, 0), "first_champion"), ((9, 0, 1), "first_champion"), ((89, 6, 5), "rejected"), ((0, 1, 0), "rejected")],
)
def test_a_challenger_whose_numbers_and_readings_are_not_those_of_the_snapshot_is_rejected(counts, verdict):
    decision = judge(QUESTIONS, claiming(say(QUESTIONS, ALL), *counts))
    assert decision.verdict == verdict
    bad = ["faithful_share:price_direction"] if verdict == "rejected" else []
    assert codes(decision, favourable=False) == bad


def talking(answers, unchecked, characters):
    return [replace(answer, claims=ClaimCounts(9, 0, 0, unchecked, characters, 2)) for answer in answers]


@pytest.mark.parametrize(("most", "verdict"), [(1.0, "first_champion"), (0.5, "first_champion"), (None, "rejected")])
def test_words_that_cannot_be_checked_are_told_and_decide_where_a_floor_is_set(most, verdict):
    policy = POLICY if most is None else POLICY.model_copy(update={"max_unchecked_share": most})
    decision = judge(QUESTIONS, talking(say(QUESTIONS, ALL), 40, 100), policy=policy)
    assert decision.verdict == verdict
    (reason,) = [reason for reason in decision.reasons if reason.code == "unchecked_share:price_direction"]
    assert reason.text.startswith("40.0% of the words in the answers to price_direction")


def test_a_decision_that_keeps_no_floor_of_unchecked_words_was_made_without_one():
    assert POLICY.model_dump(mode="json")["max_unchecked_share"] == 0.3
    without = POLICY.model_copy(update={"max_unchecked_share": 1.0})
    assert "max_unchecked_share" not in without.model_dump(mode="json")
    assert without.model_dump() != POLICY.model_dump()


def test_prose_that_is_true_keeps_the_floor_of_unchecked_words_and_talk_does_not():
    shares = {verdict: unchecked_share(verdict) for verdict in ("true", "unchecked")}
    assert shares["true"] < 0.05 < POLICY.max_unchecked_share < 0.6 < shares["unchecked"]


def unchecked_share(verdict):
    """Of the clauses that a person called so, and that nobody read while the checker was written."""
    read_once = [read(each.clause, each.facts) for each in corpus("corpus_once_blind.jsonl") if each.verdict == verdict]
    return sum(each.unchecked_characters for each in read_once) / sum(each.characters for each in read_once)


def test_answers_that_claim_nothing_are_told_and_are_no_evidence_of_faithfulness():
    decision = judge(QUESTIONS, claiming(say(QUESTIONS, ALL), 0, 0, 0))
    assert decision.verdict == "first_champion"
    assert codes(decision, favourable=False) == ["no_claims:price_direction"]
    assert not [reason for reason in decision.reasons if reason.code.startswith("faithful_share")]


def test_the_reason_tells_the_claims_apart():
    decision = judge(QUESTIONS, claiming(say(QUESTIONS, ALL), 7, 2, 1))
    (reason,) = [reason for reason in decision.reasons if reason.code.startswith("faithful_share")]
    assert reason.text == (
        "70.0% of 2400 numbers and readings in the answers to price_direction were right, 20.0% wrong, "
        "10.0% not in the snapshot; the floor is 90.0%."
    )


def test_the_sealed_test_window_is_reported_and_decides_nothing():
    decision = judge(QUESTIONS, say(QUESTIONS, ALL), say(QUESTIONS, HALF))
    told = with_sealed_test(decision, score(QUESTIONS, say(QUESTIONS, HALF)), "the champion old", -0.125, 3)
    assert told.reasons[:-1] == decision.reasons
    assert (told.promote, told.verdict) == (True, "promoted")
    last = told.reasons[-1]
    assert (last.code, last.favourable) == ("sealed_test", False)
    assert "240 questions" in last.text
    assert "right in 50.0%, -12.5 points against the champion old; look number 3" in last.text


def test_the_window_stays_sealed_for_a_challenger_that_did_not_pass():
    decision = judge(QUESTIONS, say(QUESTIONS, HALF), say(QUESTIONS, ALL), over_champion=EQUAL)
    with pytest.raises(ValueError, match="only for a challenger that passed"):
        with_sealed_test(decision, score(QUESTIONS, say(QUESTIONS, HALF)), "x", 0.0, 1)


def test_a_floor_holds_for_every_task_not_for_their_mean():
    questions = ask(tasks=TASKS)
    answers = say(questions, [1] * len(questions))
    half = len(questions) // 2
    bad = answers[:half] + [ScoredAnswer(a.sample_id, True, "neutral", None, 1.0) for a in answers[half:]]
    decision = judge(questions, bad)
    assert codes(decision, favourable=False) == ["modal_share:technical_analysis"]


@pytest.mark.parametrize(
    ("in_full", "alone", "favourable", "told"),
    [
        (6, {}, False, "100.0% of 6;"),
        (6, {"price_direction": Counter(up=50, flat=10)}, True, "84.8% of 66, 60 of them a class alone;"),
        (5, {"price_direction": Counter(up=174)}, False, "99.4% of 180, 174 of them a class alone;"),
        (6, {"risk_assessment": Counter(high=60)}, False, "100.0% of 6;"),
    ],
)
def test_a_class_alone_counts_where_it_is_asked_whether_a_model_has_collapsed(in_full, alone, favourable, told):
    questions = ask(sessions=1)
    answers = [
        ScoredAnswer(each.sample_id, True, "up" if at < in_full else "flat") for at, each in enumerate(questions)
    ]
    held = {reason.code: reason for reason in floors(POLICY, score(questions, answers), None, None, alone)}
    reason = held["modal_share:price_direction"]
    assert reason.favourable is favourable
    assert told in reason.text


@pytest.mark.parametrize(("same", "allowed"), [(True, False), (True, True), (False, False)])
def test_only_the_same_spec_that_a_person_rolled_back_is_refused_and_only_unless_the_policy_allows_it(same, allowed):
    policy = POLICY.model_copy(update={"promote_rolled_back": allowed})
    before = RolledBack(model="old", reason="it invents prices", same=same)
    decision = judge(QUESTIONS, say(QUESTIONS, ALL), policy=policy, rolled_back=before)
    assert decision.verdict == ("rejected" if same and not allowed else "first_champion")
    code = "rolled_back_before" if same else "like_one_rolled_back"
    assert codes(decision, favourable=False) == [code]
    (told,) = [reason.text for reason in decision.reasons if reason.code == code]
    assert "old, which was rolled back: it invents prices" in told


def test_baselines_are_reported_and_decide_nothing():
    def against(right):
        return paired_difference(QUESTIONS, say(QUESTIONS, HALF), say(QUESTIONS, right), POLICY.resampling(5, 1))

    baselines = {"majority": against([0] * 240), "persistence": against(ALL), "average": None}
    decision = judge(QUESTIONS, say(QUESTIONS, HALF), baselines=baselines)
    assert decision.promote
    assert codes(decision, favourable=True)[-1] == "better_than_baseline:majority"
    assert codes(decision, favourable=False) == [
        "not_shown_better_than_baseline:persistence",
        "baseline_not_compared:average",
    ]


def test_a_decision_survives_json():
    decision = judge(QUESTIONS, say(QUESTIONS, ALL), say(QUESTIONS, HALF))
    assert Decision.model_validate_json(decision.model_dump_json()) == decision


def test_scorecards_of_different_questions_are_refused():
    ours, other = score(QUESTIONS, say(QUESTIONS, ALL)), ask(sessions=41)
    with pytest.raises(ValueError, match="different question sets"):
        floors(POLICY, ours, score(other, say(other, [1] * len(other))), None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"min_sessions": 39}, "min_sessions 39 is less than 4 blocks of 10"),
        ({"confidence": 0.5}, "confidence"),
        ({"margin": -0.1}, "margin"),
        ({"min_valid_share": 1.1}, "min_valid_share"),
        ({"margins": 0.1}, "margins"),
        ({"max_latency_p95_s": float("nan")}, "max_latency_p95_s"),
    ],
)
def test_a_policy_that_would_not_protect_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        GatePolicy(**change)


def test_a_block_shorter_than_the_horizon_is_refused():
    with pytest.raises(ConfigurationError, match=r"gate\.block 10 must be at least samples\.horizon 11"):
        POLICY.resampling(horizon=11, seed=0)


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (Looked(of_line=0, of_model=0, other_lines=2), "The first decision about this recipe; 3 recipes were decided"),
        (
            Looked(of_line=4, of_model=0, other_lines=0),
            "Decision number 5 about this recipe, on whatever data; 1 recipe was decided",
        ),
        (Looked(of_line=4, of_model=2, other_lines=0), "2 of them about this very model under another name; 1 recipe"),
    ],
)
def test_every_decision_tells_how_often_was_decided_about_the_recipe_and_decides_nothing_by_it(before, told):
    reason = decided_before(before)
    assert (reason.code, reason.favourable) == ("decided_before", True)
    assert told in reason.text


def test_questions_that_do_not_count_are_told_with_their_number_and_why():
    assert list(left_out({})) == []
    (reason,) = left_out({"made_on": 120, "used_before": 7})
    assert reason.text == (
        "Questions that were answered and do not count: 120 about sessions that a model was made on; 7 of sessions on "
        "which a line was promoted."
    )


def test_a_calibration_error_is_told_beside_what_chance_makes_of_a_perfect_one():
    luck = random.Random(3)
    answers = []
    for question in QUESTIONS:
        shares = {"up": 0.6, "flat": 0.3, "down": 0.1}
        answers.append(ScoredAnswer(question.sample_id, True, "up", shares, luck.random()))
    (reason,) = calibration(score(QUESTIONS, answers))
    error, mean, high = (float(each) for each in re.findall(r"0\.\d{3}", reason.text))
    assert error == pytest.approx(0.6 - 1 / 3, abs=0.001)
    assert 0 < mean < high < error
    assert not reason.favourable
    assert list(calibration(score(QUESTIONS, say(QUESTIONS, ALL)))) == []


def halves(questions, copied, predicted):
    """Whether each answer is right: so many of ten to the task whose answer stands in the prompt, and to the other."""
    share = {"technical_analysis": copied, "price_direction": predicted}
    return [at % 10 < share[question.task] for at, question in enumerate(questions)]


def test_copying_better_promotes_nobody():
    questions = ask(tasks=TASKS)
    champion = say(questions, halves(questions, 5, 4))
    decision = judge(questions, say(questions, halves(questions, 10, 4)), champion, over_champion=EQUAL)
    assert decision.verdict == "kept_champion"
    assert "copying:technical_analysis" in codes(decision, favourable=True)


def test_a_better_forecaster_that_reads_the_prompt_much_worse_is_not_promoted():
    questions = ask(tasks=TASKS)
    champion = say(questions, halves(questions, 8, 4))
    reads, misreads = (judge(questions, say(questions, halves(questions, copied, 8)), champion) for copied in (8, 6))
    assert reads.verdict == "promoted"
    assert misreads.verdict == "rejected"
    assert codes(misreads, favourable=False) == ["copying:technical_analysis"]
