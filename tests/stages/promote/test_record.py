"""Settled sessions of the forward record as evidence: which of them count, and what they decide."""

from __future__ import annotations

from typing import Any

import pytest

from ljwx.core.evidence.gathering import Said
from ljwx.core.promotions import is_proven
from ljwx.core.promotions.decision import Decision
from ljwx.core.promotions.lines import decide_line
from ljwx.core.promotions.record import FromSource
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.stages.promote.evidence import Judged, judge, look_alone
from support_lines import DAYS, OTHER, SPEC, TASKS, Market

THIRD = SPEC.model_copy(update={"system": "z"})
CHANGED = "UPDATE ljwx.forward_{} SET {} WHERE session = %s"


def decided(sessions_of_lines: Market, judged: Judged) -> Decision:
    return decide_line(sessions_of_lines.settings.gate, (), judged.champion, judged.alone, judged.circumstances)


def sources(sessions_of_lines: Market) -> dict[str, int]:
    told = "SELECT DISTINCT ON (session) source FROM ljwx.line_evidence WHERE rival NOT IN ('none', 'class_rates')"
    found = sessions_of_lines.db.column(told)
    return {name: found.count(name) for name in set(found)}


def test_a_better_challenger_is_promoted_on_the_record_alone_and_the_decision_says_so(
    sessions_of_lines: Market,
) -> None:
    new, old = sessions_of_lines.model("new"), sessions_of_lines.model("old", OTHER)
    sessions_of_lines.record((new, 0.5), (old, 0.0), days=range(40, 150))
    judged = sessions_of_lines.judged(new, old, last=156)
    found = decided(sessions_of_lines, judged)
    assert found.verdict == "promoted"
    assert found.proven
    (told,) = judged.record.sources
    assert told == FromSource(source="record", sessions=110, first=DAYS[40], last=DAYS[149])
    reason = next(reason for reason in found.reasons if reason.code == "sources")
    assert f"110 came from the forward record ({DAYS[40]} to {DAYS[149]})" in reason.text
    assert judged.circumstances.newest == DAYS[149]


def test_of_lines_that_are_looked_at_together_each_is_read_once_and_judged_as_apart(
    sessions_of_lines: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, reads, read = sessions_of_lines.model("old", OTHER), list[str](), WarehouseHook.said_in_record
    challengers = [sessions_of_lines.model("new"), sessions_of_lines.model("third", THIRD)]
    sessions_of_lines.record((old, 0.0), (challengers[0], 0.3), (challengers[1], 0.5), days=range(40, 80))
    apart = [sessions_of_lines.judged(each, old, last=86) for each in challengers]

    def counted(hook: WarehouseHook, models: Any, *which: Any) -> list[Said]:
        reads.append(models[0].model)
        return read(hook, models, *which)

    monkeypatch.setattr(WarehouseHook, "said_in_record", counted)
    look = sessions_of_lines.look(DAYS[86])
    look_alone(look, old)
    together = [judge(look, each.model, old, holds=True) for each in challengers]
    assert [each.champion for each in together] == [each.champion for each in apart]
    assert [each.record.compared for each in together] == [each.record.compared for each in apart]
    assert reads == ["old", "new", "third"]


def test_an_equal_challenger_is_not_promoted_on_the_record(sessions_of_lines: Market) -> None:
    new, old = sessions_of_lines.model("new"), sessions_of_lines.model("old", OTHER)
    sessions_of_lines.record((new, 0.3), (old, 0.3), days=range(40, 150))
    assert decided(sessions_of_lines, sessions_of_lines.judged(new, old, last=156)).verdict == "kept_champion"


def test_validation_proposes_and_sessions_of_the_record_go_on_after_it_each_once(sessions_of_lines: Market) -> None:
    new, old = sessions_of_lines.model("new"), sessions_of_lines.model("old", OTHER)
    for each in (new, old):
        sessions_of_lines.answers(each, 0.2, range(40, 60), seed=4)
    sessions_of_lines.record((new, 0.3), (old, 0.2), days=range(55, 70))
    judged = sessions_of_lines.judged(new, old, last=100)
    assert sessions_of_lines.noted(judged.record.rival or "") == DAYS[40:70]
    assert [(each.source, each.sessions) for each in judged.record.sources] == [("record", 15), ("validation", 15)]
    again = sessions_of_lines.judged(new, old, last=101)
    assert again.record.sources == judged.record.sources
    assert sources(sessions_of_lines) == {"record": 15, "validation": 15}


def test_what_validation_asks_later_about_a_session_of_the_record_counts_no_second_time(
    sessions_of_lines: Market,
) -> None:
    new, old = sessions_of_lines.model("new"), sessions_of_lines.model("old", OTHER)
    sessions_of_lines.record((new, 0.3), (old, 0.2), days=range(40, 50))
    sessions_of_lines.judged(new, old, last=60)
    before = sessions_of_lines.db.rows("SELECT * FROM ljwx.line_evidence ORDER BY 1, 2, 3, 4, 5")
    for each in (new, old):
        sessions_of_lines.answers(each, 0.9, range(38, 50), seed=4)
    sessions_of_lines.judged(new, old, last=61)
    assert sessions_of_lines.db.rows("SELECT * FROM ljwx.line_evidence ORDER BY 1, 2, 3, 4, 5") == before


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("answers", "late = true"),
        ("batches", "digest = NULL, sealed_at = NULL, answers = NULL"),
        ("batches", "sealed_at = deadline"),
        ("batches", "spec = jsonb_set(spec, '{horizon}', '4')"),
    ],
    ids=["late answers", "never sealed", "sealed late", "other meaning"],
)
def test_a_session_that_is_late_unsealed_or_means_something_else_counts_for_nobody(
    sessions_of_lines: Market, table: str, change: str
) -> None:
    new, old = sessions_of_lines.model("new"), sessions_of_lines.model("old", OTHER)
    sessions_of_lines.record((new, 0.3), (old, 0.2), days=range(40, 50))
    sessions_of_lines.db.execute(CHANGED.format(table, change), DAYS[45])
    judged = sessions_of_lines.judged(new, old, last=60)
    assert sessions_of_lines.noted(judged.record.rival or "") == [*DAYS[40:45], *DAYS[46:50]]


def test_a_gap_counts_nothing_and_a_session_that_one_line_answered_in_part_does_not_count_for_the_pair(
    sessions_of_lines: Market,
) -> None:
    new, old = sessions_of_lines.model("new"), sessions_of_lines.model("old", OTHER)
    sessions_of_lines.record((new, 0.3), (old, 0.2), days=range(40, 45))
    sessions_of_lines.record((new, 0.3), (old, 0.2), days=range(46, 50))
    sessions_of_lines.db.execute(
        "DELETE FROM ljwx.forward_answers WHERE session = %s AND answerer = 'old' AND ts_code = '000003.SZ'", DAYS[47]
    )
    judged = sessions_of_lines.judged(new, old, last=60)
    assert sessions_of_lines.noted(judged.record.rival or "") == [*DAYS[40:45], DAYS[46], *DAYS[48:50]]
    assert sessions_of_lines.noted("none") == [*DAYS[40:45], *DAYS[46:50]]


def test_an_open_session_holds_up_those_after_it_until_it_is_settled(sessions_of_lines: Market) -> None:
    new, old = sessions_of_lines.model("new"), sessions_of_lines.model("old", OTHER)
    sessions_of_lines.record((new, 0.3), (old, 0.2), days=range(40, 50))
    kept = sessions_of_lines.db.rows(
        "SELECT * FROM ljwx.forward_outcomes WHERE session = %s AND ts_code = '000003.SZ'", DAYS[47]
    )
    sessions_of_lines.db.execute(
        "DELETE FROM ljwx.forward_outcomes WHERE session = %s AND ts_code = '000003.SZ'", DAYS[47]
    )
    rival = sessions_of_lines.judged(new, old, last=55).record.rival or ""
    assert sessions_of_lines.noted(rival) == DAYS[40:47]
    sessions_of_lines.judged(new, old, last=57)
    assert sessions_of_lines.noted(rival) == DAYS[40:47]
    sessions_of_lines.db.execute(
        "INSERT INTO ljwx.forward_outcomes SELECT (jsonb_populate_record(NULL::ljwx.forward_outcomes, to_jsonb(o) || "
        "jsonb_build_object('ts_code', '000003.SZ'))).* FROM ljwx.forward_outcomes o "
        "WHERE session = %s AND ts_code = '000002.SZ'", DAYS[47],
    )  # fmt: skip
    assert len(kept) == len(TASKS)
    sessions_of_lines.judged(new, old, last=57)
    assert sessions_of_lines.noted(rival) == DAYS[40:50]


def test_a_session_that_stays_open_for_twice_as_long_holds_up_nobody(sessions_of_lines: Market) -> None:
    new, old = sessions_of_lines.model("new"), sessions_of_lines.model("old", OTHER)
    sessions_of_lines.record((new, 0.3), (old, 0.2), days=range(40, 50))
    sessions_of_lines.db.execute(
        "DELETE FROM ljwx.forward_outcomes WHERE session = %s AND ts_code = '000003.SZ'", DAYS[47]
    )
    judged = sessions_of_lines.judged(new, old, last=58)
    assert sessions_of_lines.noted(judged.record.rival or "") == [*DAYS[40:47], *DAYS[48:50]]


def test_a_correction_counts_where_it_came_before_the_session_was_noted_and_changes_nothing_later(
    sessions_of_lines: Market,
) -> None:
    new, old = sessions_of_lines.model("new"), sessions_of_lines.model("old", OTHER)
    sessions_of_lines.record((new, 0.9), (old, 0.0), days=range(40, 42))
    revise = (
        "INSERT INTO ljwx.forward_outcomes SELECT (jsonb_populate_record(NULL::ljwx.forward_outcomes, to_jsonb(o) || "
        "jsonb_build_object('revision', revision + 1, 'excess', -excess))).* FROM ljwx.forward_outcomes o "
        "WHERE session = %s"
    )
    sessions_of_lines.db.execute(revise, DAYS[40])
    judged = sessions_of_lines.judged(new, old, last=60)
    value = (
        "SELECT value > 0 FROM ljwx.line_evidence WHERE rival NOT IN ('none', 'class_rates') "
        "AND statistic = 'rank_ic' AND task = 'price_direction' ORDER BY session"
    )
    assert sessions_of_lines.db.column(value) == [False, True]
    sessions_of_lines.db.execute(revise, DAYS[41])
    assert sessions_of_lines.judged(new, old, last=61).record.sources == judged.record.sources
    assert sessions_of_lines.db.column(value) == [False, True]


def test_a_champion_that_was_proven_loses_the_word_by_the_record(sessions_of_lines: Market) -> None:
    serves = sessions_of_lines.model("old", OTHER)
    sessions_of_lines.answers(serves, 0.9, range(36, 115), seed=3)
    seen = look_alone(sessions_of_lines.look(DAYS[123]), serves)
    assert is_proven(sessions_of_lines.settings.gate, seen.alone)
    sessions_of_lines.record((serves, -0.9), days=range(115, 150))
    seen = look_alone(sessions_of_lines.look(DAYS[156]), serves)
    assert not is_proven(sessions_of_lines.settings.gate, seen.alone)
    assert sessions_of_lines.db.column("SELECT proven FROM ljwx.lines") == [False]


def test_a_newer_model_of_the_champion_s_line_that_does_not_serve_says_nothing_in_its_place(
    sessions_of_lines: Market,
) -> None:
    new, old = sessions_of_lines.model("new"), sessions_of_lines.model("old", OTHER)
    newer = sessions_of_lines.model("newer", OTHER, dataset="later")
    sessions_of_lines.record((new, 0.3), (old, 0.2), (newer, 0.9), days=range(40, 50))
    sessions_of_lines.record((new, 0.3), (newer, 0.9), days=range(50, 55))
    judged = sessions_of_lines.judged(new, old, last=65)
    assert sessions_of_lines.noted(judged.record.rival or "") == DAYS[40:50]
    spoke = "SELECT DISTINCT rival_model FROM ljwx.line_evidence WHERE challenger_model = 'new' AND rival = %s"
    assert sessions_of_lines.db.column(spoke, judged.record.rival) == ["old"]
