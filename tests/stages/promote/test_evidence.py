"""What stored answers say about lines: gathered by digest and session, noted once, in order, and weighed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ljwx.core.lines import line_of
from ljwx.core.promotions import Against, Predecessor, is_proven
from ljwx.settings import load_settings
from ljwx.stages.promote.evidence import judge, look_alone
from support_lines import DAYS, HORIZON, MADE, OTHER, SPEC, STOCKS, TASKS, Market


def test_a_line_that_ranks_better_is_found_session_by_session_and_proven(market: Market) -> None:
    new, old = market.model("new"), market.model("old", OTHER)
    market.answers(new, 0.5, range(36, 150), seed=2)
    market.answers(old, 0.0, range(36, 150), seed=3)
    judged = market.judged(new, old, last=156)
    assert isinstance(judged.champion, Against)
    assert judged.champion.ranking.confirmed
    assert judged.alone.ranking.confirmed
    assert judged.alone.scores["price_direction"].confirmed
    assert judged.circumstances.looks == 1
    assert judged.circumstances.alpha == pytest.approx(0.01)
    assert market.warehouse.champion() is None
    assert market.noted(judged.record.rival or "")[0] == DAYS[36]
    assert {(each.rival, each.measure, each.task) for each in judged.record.compared} >= {
        (judged.record.rival, "rank_ic", None), (judged.record.rival, "brier", "risk_assessment"),
        ("none", "rank_ic", None), ("class_rates", "brier", "price_direction"),
    }  # fmt: skip
    assert market.judged(new, old, last=157).circumstances.looks == 2
    assert market.db.column("SELECT proven FROM ljwx.lines WHERE line_id = %s", judged.record.rival) == [False]


def test_only_sessions_after_all_that_both_were_made_from_count_and_the_decision_says_why(market: Market) -> None:
    new, old = market.model("new"), market.model("old", OTHER)
    for each in (new, old):
        market.answers(each, 0.2, range(28, 40), seed=4)
    judged = market.judged(new, old, last=60)
    first = DAYS[MADE - 5 + 1 + 6]  # the purge, of h + 1 sessions, reaches one session further than the last label
    assert market.noted(judged.record.rival or "") == [day for day in DAYS[28:40] if day >= first]
    assert first == market.warehouse.counts_from(["new", "old"])
    assert judged.record.left_out == {"made_on": 3 * STOCKS * len(TASKS), "purged": STOCKS * len(TASKS)}


def test_with_eight_years_of_sessions_those_before_the_sealed_window_still_count(market: Market) -> None:
    """Of 2,000 sessions the last 300 are sealed, and the 300 before are asked about."""
    new, old = market.model("new"), market.model("old", OTHER)
    for each in (new, old):
        market.answers(each, 0.2, range(36, 60), seed=4)
    before = [day for at in range(1, 1950) if (day := DAYS[0] - timedelta(at)).weekday() < 5]
    after = [day for at in range(1, 620) if (day := DAYS[-1] + timedelta(at)).weekday() < 5]
    calendar = sorted((*before, *DAYS, *after))
    market.warehouse.save_sessions(1, calendar)
    look = calendar[calendar.index(DAYS[36]) + 600]
    judged = judge(market.warehouse, market.settings, 1, "new", old, look, holds=True)
    assert market.noted(judged.record.rival or "") == DAYS[36:60]
    assert market.noted("none") == DAYS[36:60]


def test_a_session_of_few_stocks_says_nothing_and_is_told(market: Market) -> None:
    new, old = market.model("new"), market.model("old", OTHER)
    for each in (new, old):
        market.answers(each, 0.2, range(40, 44), seed=4, stocks=19)
    judged = market.judged(new, old, last=60)
    assert market.noted(judged.record.rival or "") == []
    assert judged.record.left_out == {"too_few_stocks": 4 * 19 * len(TASKS)}
    assert judged.circumstances.alpha is None
    assert market.warehouse.stakes() == []


def test_a_session_of_which_not_all_classes_have_come_is_left_until_they_have(market: Market) -> None:
    """A shard that is marked as success must not decide which stocks a session's first and only word is about."""
    new, old = market.model("new"), market.model("old", OTHER)
    market.db.execute(
        "INSERT INTO ljwx.questions (question_set_id, sample_id, position) "
        "SELECT 'q', sample_id, row_number() OVER (ORDER BY sample_id) FROM ljwx.samples "
        "WHERE session BETWEEN %s AND %s AND task = ANY(%s)",
        DAYS[40], DAYS[43], list(TASKS),
    )  # fmt: skip
    market.answers(new, 0.2, range(40, 44), seed=4)
    market.answers(old, 0.2, range(40, 43), seed=4)
    market.answers(old, 0.2, range(43, 44), seed=4, stocks=22)
    for each in (new, old):
        market.answers(each, 0.2, range(44, 46), seed=4)  # no question of the set: later ones wait all the same
    judged = market.judged(new, old, last=60)
    rival = judged.record.rival or ""
    assert (market.noted(rival), market.noted("none")) == (DAYS[40:43], DAYS[40:46])
    market.db.execute("DELETE FROM ljwx.class_answers WHERE sample_id LIKE %s", "%-43-%")
    for each in (new, old):
        market.answers(each, 0.2, range(43, 44), seed=4)
    market.judged(new, old, last=61)
    assert market.noted(rival) == DAYS[40:46]
    stocks = "SELECT DISTINCT stocks FROM ljwx.line_evidence WHERE session = %s"
    assert market.db.column(stocks, DAYS[43]) == [STOCKS]


def test_a_decision_long_after_its_line_began_still_tells_what_is_given(market: Market) -> None:
    new, old = market.model("new"), market.model("old", OTHER)
    for each in (new, old):
        market.answers(each, 0.2, range(40, 60), seed=4)
    market = replace(market, settings=load_settings({"gate": {"error_sessions": 60}}))
    told = market.judged(new, old, last=140).circumstances
    assert (told.lines, told.alpha, told.spent) == (1, pytest.approx(0.01), pytest.approx(0.01))


def test_the_same_model_under_another_dates_name_counts_once(market: Market) -> None:
    new, old = market.model("new", digest="same"), market.model("old", OTHER)
    for each in (new, old):
        market.answers(each, 0.2, range(40, 50), seed=4)
    once = market.judged(new, old, last=60)
    again = market.model("new-tomorrow", digest="same", dataset="later")
    twice = market.judged(again, old, last=60)
    assert [each.sessions for each in twice.record.compared] == [each.sessions for each in once.record.compared]
    assert twice.circumstances.looks == 1
    assert len(market.warehouse.stakes()) == len({(each.challenger, each.rival) for each in market.warehouse.stakes()})


def test_what_comes_later_about_an_earlier_session_changes_no_look_that_was_taken(market: Market) -> None:
    new, old = market.model("new"), market.model("old", OTHER)
    for each in (new, old):
        market.answers(each, 0.2, range(45, 50), seed=4)
    market.judged(new, old, last=60)
    for each in (new, old):
        market.answers(each, 0.2, range(38, 45), seed=5)
        market.answers(each, 0.2, range(50, 52), seed=6)
    judged = market.judged(new, old, last=61)
    assert market.noted(judged.record.rival or "") == DAYS[45:52]


def test_below_a_floor_nothing_is_noted_and_no_error_rate_is_given(market: Market) -> None:
    new, old = market.model("new"), market.model("old", OTHER)
    for each in (new, old):
        market.answers(each, 0.2, range(40, 50), seed=4)
    judged = market.judged(new, old, last=60, holds=False)
    assert market.noted(judged.record.rival or "") == []
    assert [each for each in market.warehouse.stakes() if each.challenger == judged.record.line] == []


def test_sessions_that_promoted_a_line_count_no_more_against_another_one(market: Market) -> None:
    new, old = market.model("new"), market.model("old", OTHER)
    for each in (new, old):
        market.answers(each, 0.2, range(40, 60), seed=4)
    before = market.judged(new, old, last=70)
    market.warehouse.note_use(1, before.record.line, DAYS[40:50], "promoted")
    after = market.judged(new, old, last=71)
    counted = {each.rival: each.sessions for each in after.record.compared if each.measure == "rank_ic"}
    assert counted == {after.record.rival: 10, "none": 20}
    assert after.record.left_out["used_before"] == 10 * STOCKS * len(TASKS)


def test_a_newer_model_of_the_champions_line_is_held_against_its_predecessor(market: Market) -> None:
    new, old = market.model("new"), market.model("old")
    market.answers(new, 0.5, range(40, 60), seed=2)
    market.answers(old, 0.0, range(40, 60), seed=3)
    judged = market.judged(new, old, last=70)
    assert isinstance(judged.champion, Predecessor)
    assert judged.champion.questions == 20 * STOCKS * len(TASKS)
    assert judged.champion.scores["price_direction"] > 0
    assert judged.champion.sessions == 20
    assert (judged.champion.own or 0.0) > (judged.champion.ranking or 0.0) - 0.3 > 0
    assert judged.record.rival == judged.record.line


def test_a_challenger_is_held_against_the_model_that_serves_not_against_a_newer_one_that_was_kept_out(
    market: Market,
) -> None:
    new, serves = market.model("new", OTHER), market.model("serves")
    bad = market.model("bad", dataset="later")
    for each, skill in ((new, 0.3), (serves, 0.5), (bad, 0.0)):
        market.answers(each, skill, range(40, 60), seed=7)
    judged = market.judged(new, serves, last=70)
    said = "SELECT DISTINCT rival_model FROM ljwx.line_evidence WHERE rival = %s"
    assert market.db.column(said, judged.record.rival) == ["serves"]
    assert isinstance(judged.champion, Against)
    assert judged.champion.ranking.size is not None
    assert judged.champion.ranking.size.raw < 0


def test_without_a_champion_a_line_is_weighed_by_itself(market: Market) -> None:
    new = market.model("new")
    market.answers(new, 0.0, range(40, 60), seed=2)
    judged = market.judged(new, None, last=70)
    assert judged.champion is None
    assert judged.record.rival is None
    assert not judged.alone.ranking.confirmed
    assert judged.circumstances.lines == 0


def test_a_model_of_an_upgraded_warehouse_gets_its_line_when_it_is_needed(market: Market) -> None:
    new, old = market.model("new"), market.model("old", OTHER)
    market.db.execute("UPDATE ljwx.models SET line_id = NULL")
    market.db.execute("DELETE FROM ljwx.lines")
    for each in (new, old):
        market.answers(each, 0.2, range(40, 50), seed=4)
    judged = market.judged(new, old, last=60)
    assert (judged.record.line, judged.record.rival) == (line_of(SPEC).line_id, line_of(OTHER).line_id)
    lines: Mapping[str, Any] = {each.line_id: each.closed_at for each in market.warehouse.lines()}
    assert all(closed is not None for closed in lines.values())


def test_a_champion_that_nobody_challenges_is_proven_and_loses_it_without_a_decision(market: Market) -> None:
    market, serves = replace(market, settings=load_settings({"gate": {"stake": 0.9}})), market.model("serves")
    market.answers(serves, 0.5, range(36, 112), seed=2)
    market.answers(serves, -9, range(112, 150), seed=8)
    proven = []
    for last in (60, 116, 156):
        seen = look_alone(market.warehouse, market.settings, 1, serves, DAYS[last])
        assert (seen.line, seen.until) == (line_of(SPEC).line_id, DAYS[min(last - HORIZON, 149)])
        proven += market.db.column("SELECT proven FROM ljwx.lines")
        assert is_proven(market.settings.gate, seen.alone) == proven[-1]
    assert proven == [False, True, False]
    assert seen.looks == 3
    assert market.db.counts()["promotions"] == 0


def test_of_a_pair_that_is_rolled_back_and_challenges_again_only_later_sessions_count(market: Market) -> None:
    new, old = market.model("new"), market.model("old", OTHER)
    for each in (new, old):
        market.answers(each, 0.2, range(40, 100), seed=4)
    line, rival = line_of(SPEC).line_id, line_of(OTHER).line_id
    assert market.judged(new, old, last=70).circumstances.alpha == pytest.approx(0.01)
    number = market.db.insert(
        "INSERT INTO ljwx.promotions (challenger, question_set_id, verdict, promoted, reasons, policy, run_key) "
        "VALUES ('new', 'q', 'promoted', true, '[]', '{}', 1) RETURNING promotion_id"
    )
    market.db.execute(
        "UPDATE ljwx.line_stakes SET used_by = %s WHERE (challenger, rival) = (%s, %s)", number, line, rival
    )
    again = market.judged(new, old, last=80)
    assert again.circumstances.alpha == pytest.approx(0.2 * 0.04)
    assert again.circumstances.spent == pytest.approx(0.01 + 0.008)
    assert again.counted == []
    assert list(market.judged(new, old, last=90).counted) == DAYS[80:86]
    assert market.judged(new, old, last=91).circumstances.looks == 4


def test_of_a_task_that_is_not_in_use_nothing_is_missing(market: Market) -> None:
    """Samples of one task about returns must not be unproven for want of the other."""
    new = market.model("new")
    market.answers(new, 0.2, range(40, 60), seed=2)
    one = load_settings({"samples": {"tasks": ["price_direction"]}})
    assert set(replace(market, settings=one).judged(new, None, last=70).alone.scores) == {"price_direction"}
