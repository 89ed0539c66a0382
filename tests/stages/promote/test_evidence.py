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


def test_a_line_that_ranks_better_is_found_session_by_session_and_proven(sessions_of_lines: Market) -> None:
    new, old = sessions_of_lines.model("new"), sessions_of_lines.model("old", OTHER)
    sessions_of_lines.answers(new, 0.5, range(36, 150), seed=2)
    sessions_of_lines.answers(old, 0.0, range(36, 150), seed=3)
    judged = sessions_of_lines.judged(new, old, last=156)
    assert isinstance(judged.champion, Against)
    assert judged.champion.ranking.confirmed
    assert judged.alone.ranking.confirmed
    assert judged.alone.scores["price_direction"].confirmed
    assert judged.circumstances.looks == 1
    assert judged.circumstances.alpha == pytest.approx(0.01)
    assert sessions_of_lines.warehouse.champion() is None
    assert sessions_of_lines.noted(judged.record.rival or "")[0] == DAYS[36]
    assert {(each.rival, each.measure, each.task) for each in judged.record.compared} >= {
        (judged.record.rival, "rank_ic", None), (judged.record.rival, "brier", "risk_assessment"),
        ("none", "rank_ic", None), ("class_rates", "brier", "price_direction"),
    }  # fmt: skip
    assert sessions_of_lines.judged(new, old, last=157).circumstances.looks == 2
    assert sessions_of_lines.db.column("SELECT proven FROM ljwx.lines WHERE line_id = %s", judged.record.rival) == [
        False
    ]


def test_only_sessions_after_all_that_both_were_made_from_count_and_the_decision_says_why(
    sessions_of_lines: Market,
) -> None:
    new, old = sessions_of_lines.model("new"), sessions_of_lines.model("old", OTHER)
    for each in (new, old):
        sessions_of_lines.answers(each, 0.2, range(28, 40), seed=4)
    judged = sessions_of_lines.judged(new, old, last=60)
    first = DAYS[MADE - 5 + 1 + 6]  # the purge, of h + 1 sessions, reaches one session further than the last label
    assert sessions_of_lines.noted(judged.record.rival or "") == [day for day in DAYS[28:40] if day >= first]
    assert first == sessions_of_lines.warehouse.counts_from(["new", "old"])
    assert judged.record.left_out == {"made_on": 3 * STOCKS * len(TASKS), "purged": STOCKS * len(TASKS)}


def test_with_eight_years_of_sessions_those_before_the_sealed_window_still_count(sessions_of_lines: Market) -> None:
    """Of 2,000 sessions the last 300 are sealed, and the 300 before are asked about."""
    new, old = sessions_of_lines.model("new"), sessions_of_lines.model("old", OTHER)
    for each in (new, old):
        sessions_of_lines.answers(each, 0.2, range(36, 60), seed=4)
    before = [day for at in range(1, 1950) if (day := DAYS[0] - timedelta(at)).weekday() < 5]
    after = [day for at in range(1, 620) if (day := DAYS[-1] + timedelta(at)).weekday() < 5]
    calendar = sorted((*before, *DAYS, *after))
    sessions_of_lines.warehouse.save_sessions(1, calendar)
    look = calendar[calendar.index(DAYS[36]) + 600]
    judged = judge(sessions_of_lines.look(look), "new", old, holds=True)
    assert sessions_of_lines.noted(judged.record.rival or "") == DAYS[36:60]
    assert sessions_of_lines.noted("none") == DAYS[36:60]


def test_a_session_of_few_stocks_says_nothing_and_is_told(sessions_of_lines: Market) -> None:
    new, old = sessions_of_lines.model("new"), sessions_of_lines.model("old", OTHER)
    for each in (new, old):
        sessions_of_lines.answers(each, 0.2, range(40, 44), seed=4, stocks=19)
    judged = sessions_of_lines.judged(new, old, last=60)
    assert sessions_of_lines.noted(judged.record.rival or "") == []
    assert judged.record.left_out == {"too_few_stocks": 4 * 19 * len(TASKS)}
    assert judged.circumstances.alpha is None
    assert sessions_of_lines.warehouse.stakes() == []


def test_a_session_of_which_not_all_classes_have_come_is_left_until_they_have(sessions_of_lines: Market) -> None:
    """A shard that is marked as success must not decide which stocks a session's first and only word is about."""
    new, old = sessions_of_lines.model("new"), sessions_of_lines.model("old", OTHER)
    sessions_of_lines.db.execute(
        "INSERT INTO ljwx.questions (question_set_id, sample_id, position) "
        "SELECT 'q', sample_id, row_number() OVER (ORDER BY sample_id) FROM ljwx.samples "
        "WHERE session BETWEEN %s AND %s AND task = ANY(%s)",
        DAYS[40], DAYS[43], list(TASKS),
    )  # fmt: skip
    sessions_of_lines.answers(new, 0.2, range(40, 44), seed=4)
    sessions_of_lines.answers(old, 0.2, range(40, 43), seed=4)
    sessions_of_lines.answers(old, 0.2, range(43, 44), seed=4, stocks=22)
    for each in (new, old):
        sessions_of_lines.answers(
            each, 0.2, range(44, 46), seed=4
        )  # no question of the set: later ones wait all the same
    judged = sessions_of_lines.judged(new, old, last=60)
    rival = judged.record.rival or ""
    assert (sessions_of_lines.noted(rival), sessions_of_lines.noted("none")) == (DAYS[40:43], DAYS[40:46])
    sessions_of_lines.db.execute("DELETE FROM ljwx.class_answers WHERE sample_id LIKE %s", "%-43-%")
    for each in (new, old):
        sessions_of_lines.answers(each, 0.2, range(43, 44), seed=4)
    sessions_of_lines.judged(new, old, last=61)
    assert sessions_of_lines.noted(rival) == DAYS[40:46]
    stocks = "SELECT DISTINCT stocks FROM ljwx.line_evidence WHERE session = %s"
    assert sessions_of_lines.db.column(stocks, DAYS[43]) == [STOCKS]


def test_a_decision_long_after_its_line_began_still_tells_what_is_given(sessions_of_lines: Market) -> None:
    new, old = sessions_of_lines.model("new"), sessions_of_lines.model("old", OTHER)
    for each in (new, old):
        sessions_of_lines.answers(each, 0.2, range(40, 60), seed=4)
    sessions_of_lines = replace(sessions_of_lines, settings=load_settings({"gate": {"error_sessions": 60}}))
    told = sessions_of_lines.judged(new, old, last=140).circumstances
    assert (told.lines, told.alpha, told.spent) == (1, pytest.approx(0.01), pytest.approx(0.01))


def test_the_same_model_under_another_dates_name_counts_once(sessions_of_lines: Market) -> None:
    new, old = sessions_of_lines.model("new", digest="same"), sessions_of_lines.model("old", OTHER)
    for each in (new, old):
        sessions_of_lines.answers(each, 0.2, range(40, 50), seed=4)
    once = sessions_of_lines.judged(new, old, last=60)
    again = sessions_of_lines.model("new-tomorrow", digest="same", dataset="later")
    twice = sessions_of_lines.judged(again, old, last=60)
    assert [each.sessions for each in twice.record.compared] == [each.sessions for each in once.record.compared]
    assert twice.circumstances.looks == 1
    assert len(sessions_of_lines.warehouse.stakes()) == len(
        {(each.challenger, each.rival) for each in sessions_of_lines.warehouse.stakes()}
    )


def test_what_comes_later_about_an_earlier_session_changes_no_look_that_was_taken(sessions_of_lines: Market) -> None:
    new, old = sessions_of_lines.model("new"), sessions_of_lines.model("old", OTHER)
    for each in (new, old):
        sessions_of_lines.answers(each, 0.2, range(45, 50), seed=4)
    sessions_of_lines.judged(new, old, last=60)
    for each in (new, old):
        sessions_of_lines.answers(each, 0.2, range(38, 45), seed=5)
        sessions_of_lines.answers(each, 0.2, range(50, 52), seed=6)
    judged = sessions_of_lines.judged(new, old, last=61)
    assert sessions_of_lines.noted(judged.record.rival or "") == DAYS[45:52]


def test_below_a_floor_nothing_is_noted_and_no_error_rate_is_given(sessions_of_lines: Market) -> None:
    new, old = sessions_of_lines.model("new"), sessions_of_lines.model("old", OTHER)
    for each in (new, old):
        sessions_of_lines.answers(each, 0.2, range(40, 50), seed=4)
    judged = sessions_of_lines.judged(new, old, last=60, holds=False)
    assert sessions_of_lines.noted(judged.record.rival or "") == []
    assert [each for each in sessions_of_lines.warehouse.stakes() if each.challenger == judged.record.line] == []


def test_sessions_that_promoted_a_line_count_no_more_against_another_one(sessions_of_lines: Market) -> None:
    new, old = sessions_of_lines.model("new"), sessions_of_lines.model("old", OTHER)
    for each in (new, old):
        sessions_of_lines.answers(each, 0.2, range(40, 60), seed=4)
    before = sessions_of_lines.judged(new, old, last=70)
    sessions_of_lines.warehouse.note_use(1, before.record.line, DAYS[40:50], "promoted")
    after = sessions_of_lines.judged(new, old, last=71)
    counted = {each.rival: each.sessions for each in after.record.compared if each.measure == "rank_ic"}
    assert counted == {after.record.rival: 10, "none": 20}
    assert after.record.left_out["used_before"] == 10 * STOCKS * len(TASKS)


def test_a_newer_model_of_the_champions_line_is_held_against_its_predecessor(sessions_of_lines: Market) -> None:
    new, old = sessions_of_lines.model("new"), sessions_of_lines.model("old")
    sessions_of_lines.answers(new, 0.5, range(40, 60), seed=2)
    sessions_of_lines.answers(old, 0.0, range(40, 60), seed=3)
    judged = sessions_of_lines.judged(new, old, last=70)
    assert isinstance(judged.champion, Predecessor)
    assert judged.champion.questions == 20 * STOCKS * len(TASKS)
    assert judged.champion.scores["price_direction"] > 0
    assert judged.champion.sessions == 20
    assert (judged.champion.own or 0.0) > (judged.champion.ranking or 0.0) - 0.3 > 0
    assert judged.record.rival == judged.record.line


def test_a_challenger_is_held_against_the_model_that_serves_not_against_a_newer_one_that_was_kept_out(
    sessions_of_lines: Market,
) -> None:
    new, serves = sessions_of_lines.model("new", OTHER), sessions_of_lines.model("serves")
    bad = sessions_of_lines.model("bad", dataset="later")
    for each, skill in ((new, 0.3), (serves, 0.5), (bad, 0.0)):
        sessions_of_lines.answers(each, skill, range(40, 60), seed=7)
    judged = sessions_of_lines.judged(new, serves, last=70)
    said = "SELECT DISTINCT rival_model FROM ljwx.line_evidence WHERE rival = %s"
    assert sessions_of_lines.db.column(said, judged.record.rival) == ["serves"]
    assert isinstance(judged.champion, Against)
    assert judged.champion.ranking.size is not None
    assert judged.champion.ranking.size.raw < 0


def test_without_a_champion_a_line_is_weighed_by_itself(sessions_of_lines: Market) -> None:
    new = sessions_of_lines.model("new")
    sessions_of_lines.answers(new, 0.0, range(40, 60), seed=2)
    judged = sessions_of_lines.judged(new, None, last=70)
    assert judged.champion is None
    assert judged.record.rival is None
    assert not judged.alone.ranking.confirmed
    assert judged.circumstances.lines == 0


def test_a_model_of_an_upgraded_warehouse_gets_its_line_when_it_is_needed(sessions_of_lines: Market) -> None:
    new, old = sessions_of_lines.model("new"), sessions_of_lines.model("old", OTHER)
    sessions_of_lines.db.execute("UPDATE ljwx.models SET line_id = NULL")
    sessions_of_lines.db.execute("DELETE FROM ljwx.lines")
    for each in (new, old):
        sessions_of_lines.answers(each, 0.2, range(40, 50), seed=4)
    judged = sessions_of_lines.judged(new, old, last=60)
    assert (judged.record.line, judged.record.rival) == (line_of(SPEC).line_id, line_of(OTHER).line_id)
    lines: Mapping[str, Any] = {each.line_id: each.closed_at for each in sessions_of_lines.warehouse.lines()}
    assert all(closed is not None for closed in lines.values())


def test_a_champion_that_nobody_challenges_is_proven_and_loses_it_without_a_decision(sessions_of_lines: Market) -> None:
    sessions_of_lines, serves = (
        replace(sessions_of_lines, settings=load_settings({"gate": {"stake": 0.9}})),
        sessions_of_lines.model("serves"),
    )
    sessions_of_lines.answers(serves, 0.5, range(36, 112), seed=2)
    sessions_of_lines.answers(serves, -9, range(112, 150), seed=8)
    proven = []
    for last in (60, 116, 156):
        seen = look_alone(sessions_of_lines.look(DAYS[last]), serves)
        assert (seen.line, seen.until) == (line_of(SPEC).line_id, DAYS[min(last - HORIZON, 149)])
        proven += sessions_of_lines.db.column("SELECT proven FROM ljwx.lines")
        assert is_proven(sessions_of_lines.settings.gate, seen.alone) == proven[-1]
    assert proven == [False, True, False]
    assert seen.looks == 3
    assert sessions_of_lines.db.counts()["promotions"] == 0


def test_of_a_pair_that_is_rolled_back_and_challenges_again_only_later_sessions_count(
    sessions_of_lines: Market,
) -> None:
    new, old = sessions_of_lines.model("new"), sessions_of_lines.model("old", OTHER)
    for each in (new, old):
        sessions_of_lines.answers(each, 0.2, range(40, 100), seed=4)
    line, rival = line_of(SPEC).line_id, line_of(OTHER).line_id
    assert sessions_of_lines.judged(new, old, last=70).circumstances.alpha == pytest.approx(0.01)
    number = sessions_of_lines.db.insert(
        "INSERT INTO ljwx.promotions (challenger, question_set_id, verdict, promoted, reasons, policy, run_key) "
        "VALUES ('new', 'q', 'promoted', true, '[]', '{}', 1) RETURNING promotion_id"
    )
    sessions_of_lines.db.execute(
        "UPDATE ljwx.line_stakes SET used_by = %s WHERE (challenger, rival) = (%s, %s)", number, line, rival
    )
    again = sessions_of_lines.judged(new, old, last=80)
    assert again.circumstances.alpha == pytest.approx(0.2 * 0.04)
    assert again.circumstances.spent == pytest.approx(0.01 + 0.008)
    assert again.counted == []
    assert list(sessions_of_lines.judged(new, old, last=90).counted) == DAYS[80:86]
    assert sessions_of_lines.judged(new, old, last=91).circumstances.looks == 4


def test_of_a_task_that_is_not_in_use_nothing_is_missing(sessions_of_lines: Market) -> None:
    """Samples of one task about returns must not be unproven for want of the other."""
    new = sessions_of_lines.model("new")
    sessions_of_lines.answers(new, 0.2, range(40, 60), seed=2)
    one = load_settings({"samples": {"tasks": ["price_direction"]}})
    assert set(replace(sessions_of_lines, settings=one).judged(new, None, last=70).alone.scores) == {"price_direction"}
