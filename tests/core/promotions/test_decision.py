import random
import re
from dataclasses import replace
from datetime import date, timedelta

import pytest

from ljwx.core.evaluations import ClaimCounts, Question, ScoredAnswer, paired_difference, predictive_difference, score
from ljwx.core.promotions import Decision, GatePolicy, Looked, RolledBack, decide, with_looks, with_sealed_test
from ljwx.exceptions import ConfigurationError

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


def judge(questions, ours, theirs=None, policy=POLICY, baselines=None):
    card = score(questions, ours)
    if theirs is None:
        return decide(policy, card, None, None, baselines)
    difference = predictive_difference(questions, ours, theirs, policy.resampling(horizon=5, seed=1))
    return decide(policy, card, score(questions, theirs), difference, baselines)


def codes(decision, *, favourable):
    return [reason.code for reason in decision.reasons if reason.favourable is favourable]


QUESTIONS = ask()
HALF = [i % 2 for i in range(len(QUESTIONS))]
ALL = [1] * len(QUESTIONS)


def test_the_first_champion_needs_the_floors_only_and_is_called_unproven():
    decision = judge(QUESTIONS, say(QUESTIONS, HALF))
    assert (decision.promote, decision.verdict, decision.unproven) == (True, "first_champion", True)
    assert codes(decision, favourable=True) == [
        "questions",
        "valid_share:price_direction",
        "modal_share:price_direction",
        "latency_p95",
        "first_champion_unproven",
    ]


def test_a_challenger_that_is_clearly_better_is_promoted():
    decision = judge(QUESTIONS, say(QUESTIONS, ALL), say(QUESTIONS, HALF))
    assert (decision.promote, decision.verdict, decision.unproven) == (True, "promoted", False)
    assert decision.reasons[-1].code == "better_than_champion"
    assert "+50.0 points (95% interval +50.0 to +50.0)" in decision.reasons[-1].text


@pytest.mark.parametrize(("ours", "theirs"), [(HALF, HALF), (HALF, ALL)])
def test_an_equal_or_worse_challenger_leaves_the_champion(ours, theirs):
    decision = judge(QUESTIONS, say(QUESTIONS, ours), say(QUESTIONS, theirs))
    assert (decision.promote, decision.verdict) == (False, "kept_champion")
    assert codes(decision, favourable=False) == ["not_shown_better"]


def test_the_whole_interval_must_lie_above_the_margin():
    # Right in one more of six in every session: +16.7 points, without any spread.
    questions = ask()
    ours, theirs = [i % 6 < 4 for i in range(240)], [i % 6 < 3 for i in range(240)]
    below = POLICY.model_copy(update={"margin": 0.16})
    above = POLICY.model_copy(update={"margin": 0.17})
    assert judge(questions, say(questions, ours), say(questions, theirs), below).verdict == "promoted"
    assert judge(questions, say(questions, ours), say(questions, theirs), above).verdict == "kept_champion"


def test_an_interval_that_includes_the_margin_keeps_the_champion_however_good_the_estimate():
    questions = ask()
    ours = [day < 16 for day in range(40) for _ in range(6)]
    theirs = [day >= 34 for day in range(40) for _ in range(6)]
    decision = judge(questions, say(questions, ours), say(questions, theirs))
    assert decision.difference.estimate == 0.25
    assert decision.difference.low < 0
    assert decision.verdict == "kept_champion"


def test_too_few_sessions_keep_the_champion_and_say_so():
    questions = ask(sessions=39)
    right = [1] * len(questions)
    decision = judge(questions, say(questions, right), say(questions, [0] * len(questions)))
    assert decision.difference is None
    assert decision.verdict == "kept_champion"
    assert codes(decision, favourable=False) == ["too_few_sessions"]
    assert "39 sessions" in decision.reasons[-1].text


def test_sessions_enough_for_an_interval_but_not_for_the_policy_keep_the_champion():
    policy = POLICY.model_copy(update={"min_sessions": 41})
    decision = judge(QUESTIONS, say(QUESTIONS, ALL), say(QUESTIONS, HALF), policy)
    assert codes(decision, favourable=False) == ["too_few_sessions"]


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
    assert (decision.promote, decision.verdict, decision.unproven) == (False, "rejected", False)
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


@pytest.mark.parametrize(("most", "verdict"), [(None, "first_champion"), (0.5, "first_champion"), (0.3, "rejected")])
def test_words_that_cannot_be_checked_are_told_and_decide_where_a_floor_is_set(most, verdict):
    policy = POLICY if most is None else POLICY.model_copy(update={"max_unchecked_share": most})
    decision = judge(QUESTIONS, talking(say(QUESTIONS, ALL), 40, 100), policy=policy)
    assert decision.verdict == verdict
    (reason,) = [reason for reason in decision.reasons if reason.code == "unchecked_share:price_direction"]
    assert reason.text.startswith("40.0% of the words in the answers to price_direction")


def test_the_floor_of_unchecked_words_is_kept_with_a_decision_only_where_it_is_set():
    assert "max_unchecked_share" not in POLICY.model_dump(mode="json")
    assert POLICY.model_copy(update={"max_unchecked_share": 0.5}).model_dump()["max_unchecked_share"] == 0.5
    assert type(POLICY)(**POLICY.model_dump()) == POLICY


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
    decision = judge(QUESTIONS, say(QUESTIONS, HALF), say(QUESTIONS, ALL))
    with pytest.raises(ValueError, match="only for a challenger that passed"):
        with_sealed_test(decision, score(QUESTIONS, say(QUESTIONS, HALF)), "x", 0.0, 1)


def test_a_floor_holds_for_every_task_not_for_their_mean():
    questions = ask(tasks=TASKS)
    answers = say(questions, [1] * len(questions))
    half = len(questions) // 2
    bad = answers[:half] + [ScoredAnswer(a.sample_id, True, "neutral", None, 1.0) for a in answers[half:]]
    decision = judge(questions, bad)
    assert codes(decision, favourable=False) == ["modal_share:technical_analysis"]


@pytest.mark.parametrize(("same", "allowed"), [(True, False), (True, True), (False, False)])
def test_only_the_same_spec_that_a_person_rolled_back_is_refused_and_only_unless_the_policy_allows_it(same, allowed):
    policy = POLICY.model_copy(update={"promote_rolled_back": allowed})
    before = RolledBack(model="old", reason="it invents prices", same=same)
    decision = decide(policy, score(QUESTIONS, say(QUESTIONS, ALL)), None, None, None, before)
    assert decision.verdict == ("rejected" if same and not allowed else "first_champion")
    code = "rolled_back_before" if same else "like_one_rolled_back"
    assert codes(decision, favourable=False) == [code]
    assert "old, which a person rolled back: it invents prices" in decision.reasons[-1].text


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


def test_a_decision_survives_json_with_policy_and_evidence():
    decision = judge(QUESTIONS, say(QUESTIONS, ALL), say(QUESTIONS, HALF))
    assert Decision.model_validate_json(decision.model_dump_json()) == decision
    assert decision.policy == POLICY
    assert decision.question_set == score(QUESTIONS, say(QUESTIONS, HALF)).question_set


def test_evidence_that_does_not_belong_together_is_refused():
    ours, theirs = score(QUESTIONS, say(QUESTIONS, ALL)), score(QUESTIONS, say(QUESTIONS, HALF))
    other = ask(sessions=41)
    answers = say(other, [1] * len(other))
    with pytest.raises(ValueError, match="different question sets"):
        decide(POLICY, ours, score(other, answers), None)
    with pytest.raises(ValueError, match="not made from the questions"):
        decide(POLICY, ours, theirs, paired_difference(other, answers, answers, POLICY.resampling(5, 1)))
    loose = GatePolicy(**{**dict(POLICY), "confidence": 0.9}).resampling(5, 1)
    weak = paired_difference(QUESTIONS, say(QUESTIONS, ALL), say(QUESTIONS, HALF), loose)
    with pytest.raises(ValueError, match="not made as the policy says"):
        decide(POLICY, ours, theirs, weak)
    with pytest.raises(ValueError, match="without a champion"):
        decide(POLICY, ours, None, weak)


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
def test_every_decision_tells_how_often_one_has_looked_and_decides_nothing_by_it(before, told):
    decision = judge(QUESTIONS, say(QUESTIONS, ALL))
    looked = with_looks(decision, before)
    assert looked.verdict == decision.verdict
    assert looked.reasons[-1].code == "looks"
    assert looked.reasons[-1].favourable is (before.of_line == 0)
    assert told in looked.reasons[-1].text


def test_a_difference_is_told_as_it_remains_when_chance_is_allowed_for_and_with_what_could_have_been_found():
    luck = random.Random(3)
    ours, theirs = ([luck.random() < share for _ in QUESTIONS] for share in (0.7, 0.4))
    decision = judge(QUESTIONS, say(QUESTIONS, ours), say(QUESTIONS, theirs))
    reason = next(reason for reason in decision.reasons if "champion" in reason.code)
    assert reason.favourable
    raw, shrunken = (float(re.search(pattern, reason.text)[1]) for pattern in (r"by \+([\d.]+)", r"it is \+([\d.]+)"))
    assert 0 < shrunken < raw
    assert re.search(r"find \d+ points in four of five cases", reason.text)


def halves(questions, copied, predicted):
    """Whether each answer is right: so many of ten to the task whose answer stands in the prompt, and to the other."""
    share = {"technical_analysis": copied, "price_direction": predicted}
    return [at % 10 < share[question.task] for at, question in enumerate(questions)]


def test_copying_better_promotes_nobody():
    questions = ask(tasks=TASKS)
    decision = judge(questions, say(questions, halves(questions, 10, 4)), say(questions, halves(questions, 5, 4)))
    assert decision.verdict == "kept_champion"
    assert codes(decision, favourable=False) == ["not_shown_better"]
    assert decision.difference.questions == len(questions) / 2


def test_a_better_forecaster_that_reads_the_prompt_much_worse_is_not_promoted():
    questions = ask(tasks=TASKS)
    champion = say(questions, halves(questions, 8, 4))
    reads, misreads = (judge(questions, say(questions, halves(questions, copied, 8)), champion) for copied in (8, 6))
    assert reads.verdict == "promoted"
    assert misreads.verdict == "kept_champion"
    assert codes(misreads, favourable=False) == ["copying:technical_analysis"]


def test_where_every_answer_stands_in_the_prompt_nobody_is_promoted_over_a_champion():
    questions = ask(tasks=["technical_analysis"])
    decision = judge(questions, say(questions, [1] * len(questions)), say(questions, [0] * len(questions)))
    assert decision.verdict == "kept_champion"
    assert codes(decision, favourable=False) == ["nothing_predicted"]
