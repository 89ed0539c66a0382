"""What is decided about a line: RankIC decides, scores and floors can only refuse, and what was looked at is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from ljwx.core.evidence import Bounds, Size, Weighed
from ljwx.core.evidence.weighing import Later
from ljwx.core.promotions import Reason
from ljwx.core.promotions.lines import Against, Circumstances, Fresh, Predecessor, decide_line
from ljwx.core.promotions.policy import LinePolicy

POLICY = LinePolicy(score_margin=0.01)
LOOKS = Circumstances(looks=7, lines=3, alpha=0.0064, spent=0.0244)
HELD = (Reason(code="valid_share", text="", favourable=True),)
BROKEN = (*HELD, Reason(code="copying", text="", favourable=False))


def weighed(mean: float = 0.05, confirmed: bool = True, waiting: bool = False) -> Weighed:
    size = Size(raw=mean, error=0.01, spread=0.1, shrunken=mean / 2, sessions=120)
    return Weighed(
        confirmed, waiting, 4.0 if confirmed else 0.5, 3.0, 120, size, Bounds(mean - 0.03, mean + 0.03), 0.04
    )


NOT_YET = weighed(0.02, confirmed=False)
ALONE = Against(weighed(), {"price_direction": weighed(0.02), "investment_advice": NOT_YET})


def decided(champion: Against | None, floors: tuple[Reason, ...] = HELD, alone: Against = ALONE):
    return decide_line(POLICY, floors, champion, alone, LOOKS)


def codes(decision) -> set[str]:
    return {reason.code for reason in decision.reasons}


def test_confirmed_evidence_on_ranking_promotes() -> None:
    decision = decided(Against(weighed(), {"price_direction": NOT_YET}))
    assert (decision.promote, decision.verdict) == (True, "promoted")
    assert "ranks_better_than_champion" in codes(decision)


@pytest.mark.parametrize("ranking", [NOT_YET, weighed(0.05, confirmed=False, waiting=True), weighed(-0.001)])
def test_without_it_the_champion_stays_however_good_the_scores_are(ranking: Weighed) -> None:
    decision = decided(Against(ranking, {"price_direction": weighed(0.2)}))
    assert (decision.promote, decision.verdict) == (False, "kept_champion")


def test_a_crossing_that_waits_for_its_open_sessions_is_told_as_such() -> None:
    assert "ranks_better_than_champion_awaited" in codes(decided(Against(weighed(confirmed=False, waiting=True))))


def test_a_score_that_is_worse_by_more_than_the_margin_keeps_the_champion() -> None:
    near, far = (Against(weighed(), {"risk_assessment": weighed(mean, confirmed=False)}) for mean in (-0.009, -0.011))
    assert decided(near).promote
    assert decided(far).verdict == "kept_champion"


def test_below_a_floor_no_evidence_helps() -> None:
    decision = decided(Against(weighed(1.0)), floors=BROKEN)
    assert (decision.promote, decision.verdict) == (False, "rejected")
    assert decided(None, floors=BROKEN).verdict == "rejected"


def test_without_a_champion_a_line_that_holds_the_floors_serves() -> None:
    assert decided(None).verdict == "first_champion"


def test_proven_is_a_line_that_ranks_and_whose_probabilities_say_more_than_class_rates() -> None:
    assert decided(None).proven
    assert "proven" in codes(decided(None))


@pytest.mark.parametrize(
    ("fresh", "confirmed"),
    [(Fresh(5, 0.02, 5), True), (Fresh(4, 0.02, 5), False), (Fresh(9, -0.001, 5), False), (Fresh(0, None, 5), False)],
)
def test_sessions_of_before_a_line_was_opened_only_propose_it(fresh: Fresh, confirmed: bool) -> None:
    decision = decided(Against(weighed(), fresh=fresh), alone=replace(ALONE, fresh=fresh))
    assert (decision.promote, decision.proven) == (confirmed, confirmed)
    assert {"fresh_sessions", "fresh_sessions:proof"} <= codes(decision)


FADED = replace(weighed(), since=Later(150, -0.12), newest=Later(60, -0.119))


@pytest.mark.parametrize(
    "alone",
    [replace(ALONE, ranking=FADED), replace(ALONE, scores={"price_direction": FADED, "investment_advice": weighed()})],
    ids=["ranking", "a score"],
)
def test_a_line_whose_newest_sessions_do_not_bear_it_out_is_proven_no_more(alone: Against) -> None:
    decision = decided(None, alone=alone)
    assert not decision.proven
    (told,) = [reason.text for reason in decision.reasons if "holds no more" in reason.text]
    assert told.endswith(
        "The evidence was confirmed. Since then: -0.120 on 150 sessions. It holds no more: -0.119 on the newest 60."
    )


def test_nor_does_what_was_confirmed_long_ago_promote() -> None:
    assert decided(Against(FADED)).verdict == "kept_champion"


NOTHING = Weighed(False, False, 0.0, 3.0, 1, None, Bounds(-1.0, 1.0), None)


def test_a_score_of_which_nothing_was_shown_speaks_for_nobody_and_proves_nothing() -> None:
    decision = decided(None, alone=replace(ALONE, scores={**ALONE.scores, "risk_assessment": NOTHING}))
    (told,) = [reason for reason in decision.reasons if reason.code == "not_shown:class_rates:risk_assessment"]
    assert not told.favourable
    assert not decision.proven


def test_nor_does_it_hold_a_margin_to_the_champion() -> None:
    assert decided(Against(weighed(), {"risk_assessment": NOTHING})).verdict == "kept_champion"


@pytest.mark.parametrize(
    ("moves", "more"),
    [
        (True, "each new session moves it on by about one."),
        (False, "none comes until samples.validation_from and samples.test_from name later ones."),
    ],
)  # fmt: skip
def test_the_newest_session_that_can_count_is_told(moves: bool, more: str) -> None:
    looks = replace(LOOKS, newest=date(2026, 3, 2), moves=moves)
    text = decide_line(POLICY, HELD, None, ALONE, looks).reasons[-1].text
    assert text.endswith(f" to this one. The newest session that can count is 2026-03-02; {more}")


def test_evidence_below_1_is_told_to_look_worse() -> None:
    worse = replace(NOT_YET, log_evidence=-1.2)
    told = [reason.text for reason in decided(Against(worse)).reasons]
    assert any(text.endswith(" 0.301 of 20.09; that is not enough and less than 1: so far it looks worse.")
               for text in told)  # fmt: skip


def test_a_first_champion_whose_line_is_proven_is_not_said_to_be_unproven() -> None:
    assert "first_champion" in codes(decided(None))
    assert "first_champion_unproven" in codes(decided(None, alone=replace(ALONE, ranking=NOT_YET)))


@pytest.mark.parametrize(
    ("gain", "questions", "verdict"),
    [(-0.009, 9, "retrained"), (-0.011, 9, "kept_champion"), (0.1, 0, "kept_champion")],
)
def test_a_newer_model_of_the_champions_line_serves_where_it_is_no_worse(gain, questions, verdict) -> None:
    scores = {"price_direction": gain} if questions else {}
    compared = Predecessor(scores, questions, 40, 0.0, 0.05, 0.0)
    coarse = replace(ALONE, scores={"price_direction": weighed(0.02)})
    assert decide_line(POLICY, HELD, compared, coarse, LOOKS).verdict == verdict
    assert decide_line(POLICY, BROKEN, compared, coarse, LOOKS).verdict == "rejected"


def retrained(sessions: int, ranking: float | None, own: float | None, *, proven: bool, gain: float = 0.0, newest=None):
    compared = Predecessor({"price_direction": gain}, 9, sessions, ranking, own, ranking if newest is None else newest)
    return decide_line(POLICY, HELD, compared, ALONE if proven else replace(ALONE, ranking=NOT_YET), LOOKS)


@pytest.mark.parametrize(
    ("sessions", "ranking", "own", "verdict"),
    [
        (0, None, None, "kept_champion"),
        (39, 0.3, 0.3, "kept_champion"),
        (40, -0.019, 0.026, "retrained"),
        (40, -0.021, 0.026, "kept_champion"),
        (40, 0.1, 0.024, "kept_champion"),
    ],
    ids=["none", "too few", "no worse", "ranks worse", "ranks less than half as well as was proven"],
)
def test_a_proven_champion_is_replaced_only_by_one_that_ranks_about_as_well(sessions, ranking, own, verdict) -> None:
    decision = retrained(sessions, ranking, own, proven=True)
    assert (decision.verdict, decision.proven) == (verdict, True)


def test_the_newest_model_of_a_line_is_held_to_what_the_others_are() -> None:
    assert retrained(90, 0.1, 0.1, proven=True, newest=-0.03).verdict == "kept_champion"


def test_of_an_unproven_line_the_floors_suffice_until_enough_sessions_compare() -> None:
    assert retrained(39, -0.3, -0.2, proven=False).verdict == "retrained"
    assert retrained(40, -0.3, -0.2, proven=False).verdict == "kept_champion"
    assert "predecessor_few_sessions" in codes(retrained(39, -0.3, -0.2, proven=False))


def test_a_score_that_was_shown_over_class_rates_may_not_be_given_away_by_the_margin() -> None:
    small = replace(ALONE, scores={"price_direction": weighed(0.003)})  # what a RankIC of 0.10 is worth
    for gain, verdict in ((-0.0014, "retrained"), (-0.0016, "kept_champion")):
        compared = Predecessor({"price_direction": gain}, 9, 40, 0.0, 0.05, 0.0)
        assert decide_line(POLICY, HELD, compared, small, LOOKS).verdict == verdict
        rival = Against(weighed(), {"price_direction": weighed(gain)}, shown={"price_direction": 0.003})
        assert decided(rival).promote == (verdict == "retrained")


@pytest.mark.parametrize(
    "alone",
    [
        replace(ALONE, ranking=NOT_YET),
        replace(ALONE, scores={"price_direction": NOT_YET, "investment_advice": NOT_YET}),
        replace(ALONE, scores={"price_direction": weighed(), "investment_advice": weighed(-0.02, confirmed=False)}),
        replace(ALONE, scores={}),
    ],
    ids=["no ranking", "no score better", "a score worse", "no score"],
)
def test_whatever_lacks_of_it_leaves_a_line_unproven_and_serves_all_the_same(alone: Against) -> None:
    decision = decided(Against(weighed()), alone=alone)
    assert (decision.promote, decision.proven) == (True, False)
    assert "unproven" in codes(decision)


@pytest.mark.parametrize("champion", [None, Against(weighed()), Against(NOT_YET)])
@pytest.mark.parametrize("floors", [HELD, BROKEN])
def test_every_decision_tells_looks_lines_and_the_error_rate_given(champion: Against | None, floors) -> None:
    (told,) = [reason.text for reason in decided(champion, floors).reasons if reason.code == "looks"]
    assert told == (
        "Look number 7 at this pair. 3 lines began to challenge in 250 sessions; 2.44% of an error rate of 5% are "
        "given to them, 0.64% to this one."
    )


def test_a_comparison_tells_its_shrunken_size_and_what_could_have_been_seen() -> None:
    (told,) = [each.text for each in decided(Against(NOT_YET)).reasons if "ranks_better" in each.code]
    assert told == (
        "RankIC against the champion's: +0.020 on 120 sessions, shrunken +0.010, 95 % bounds -0.010 to +0.050. So many "
        "sessions show about 0.040 or more. The evidence is 1.65 of 20.09; that is not enough."
    )


@pytest.mark.parametrize(
    ("circumstances", "told"),
    [
        (Circumstances(1, 0, 0.01, 0.01), "1.00% of an error rate of 5% are given, 1.00% to this one."),
        (Circumstances(0, 1, None, 0.05), "to them, and nothing is left for this one until sessions have passed."),
        (Circumstances(0, 1, None, 0.01), "none yet to this one: no session counts."),
    ],
)  # fmt: skip
def test_what_is_left_of_the_error_rate_is_told(circumstances: Circumstances, told: str) -> None:
    decision = decide_line(POLICY, HELD, None, ALONE, circumstances)
    assert next(each.text for each in decision.reasons if each.code == "looks").endswith(told)
