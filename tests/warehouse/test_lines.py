"""Lines and their evidence: counted once, not on sessions a line was chosen by, error rates from one budget."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import psycopg
import pytest
from psycopg.types.json import Jsonb

from ljwx.core.evidence import Budget
from ljwx.core.lines import Line, line_of, same_model
from ljwx.core.models import BuildSpec, Message, changes
from ljwx.core.promotions.reasons import Looked
from ljwx.core.promotions.record import LineRecord
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.warehouse.base import statement
from ljwx.warehouse.lines import SessionEvidence
from ljwx.warehouse.promotions import Promotion
from ljwx.warehouse.runs import RunRef
from support_chain import Database

DAYS = [date(2026, 3, 2) + timedelta(at) for at in range(300)]
PLAIN = BuildSpec(base="deepseek-llm:7b", base_digest="a" * 64, strategy="fewshot", system="x", parameters={"seed": 1})
SHOWN = (Message(role="user", content="q"), Message(role="assistant", content="a"))

MODEL = """
INSERT INTO ljwx.datasets (dataset_id, sha256, spec, counts, exclusions, proof, first_session, last_session, folder,
                           code_version, run_key)
VALUES ('ds', '', '{}', '{}', '{}', '{}', '2026-01-05', '2026-03-02', '', '', 1) ON CONFLICT DO NOTHING;
INSERT INTO ljwx.models (model, digest, strategy, base, base_digest, spec, spec_sha256, dataset_id, run_key)
SELECT name, 'd', 'fewshot', 'b', 'd', '{}', '', 'ds', 1 FROM unnest(ARRAY['old', 'new', 'third']) AS name;
"""


@pytest.fixture
def warehouse(warehouse_url: str) -> WarehouseHook:
    hook = WarehouseHook()
    assert hook.start_run(RunRef("tests", "one", "lines")) == 1
    Database(warehouse_url).execute(MODEL)
    return hook


def opened(warehouse: WarehouseHook) -> tuple[str, str]:
    """Open two lines and let one challenge the other; return both."""
    ours = warehouse.open_line(1, line_of(PLAIN), "new")
    theirs = warehouse.open_line(1, line_of(PLAIN.model_copy(update={"system": "y"})), "old")
    warehouse.give_stake(1, ours, theirs, DAYS[0], Budget(), DAYS)
    return ours, theirs


def said(lines: tuple[str, str], session: date, value: float = 0.1) -> SessionEvidence:
    end = session + timedelta(7)
    return SessionEvidence(*lines, session, "price_direction", "rank_ic", value, 0.4, 100, end, "new", "old")


def values(warehouse: WarehouseHook, lines: tuple[str, str]) -> list[tuple[date, float]]:
    return [(each.session, each.value) for each in warehouse.evidence(*lines, "price_direction", "rank_ic")]


def test_models_that_differ_in_their_data_alone_are_of_one_line() -> None:
    shown = PLAIN.model_copy(update={"messages": SHOWN, "examples": ("s1",)})
    weights = PLAIN.model_copy(update={"gguf_sha256": "b" * 64})
    assert line_of(PLAIN).line_id == line_of(shown).line_id == line_of(weights).line_id


@pytest.mark.parametrize("changed", [{"system": "y"}, {"parameters": {"seed": 2}}, {"base_digest": "c" * 64}])
def test_another_recipe_is_another_line(changed: dict[str, object]) -> None:
    assert line_of(PLAIN).line_id != line_of(PLAIN.model_copy(update=changed)).line_id
    assert line_of(PLAIN).line_id != line_of(PLAIN, {"rank": 16}).line_id


@pytest.mark.parametrize(
    "spelled", ["DeepSeek-LLM:7B", "library/deepseek-llm:7b", "registry.ollama.ai/library/deepseek-llm:7b"]
)
def test_another_spelling_of_the_base_is_no_other_line(spelled: str) -> None:
    """Each line has an error budget of its own, which a spelling must not double."""
    other = PLAIN.model_copy(update={"base": spelled})
    assert line_of(other).line_id == line_of(PLAIN).line_id == "216ad4208245"
    assert changes(PLAIN, other) == []


def test_a_model_under_another_dates_name_is_the_same_model() -> None:
    again = BuildSpec.model_validate(PLAIN.model_dump())
    assert again.model_name(DAYS[0]) != PLAIN.model_name(DAYS[1])
    assert same_model(again, PLAIN)


def test_a_line_is_read_as_it_was_opened(warehouse: WarehouseHook) -> None:
    line = line_of(PLAIN, {"rank": 16})
    warehouse.open_line(1, line, "new")
    warehouse.open_line(1, line, "third")
    (known,) = warehouse.lines()
    assert isinstance(known.recipe, Line)
    assert (known.recipe, known.line_id, known.closed_at) == (line, line.line_id, None)
    warehouse.close_line(line.line_id)
    assert warehouse.lines()[0].closed_at is not None
    warehouse.open_line(1, line, "new")
    assert warehouse.lines()[0].closed_at is None


def test_a_session_counts_once_for_a_pair_and_its_first_word_stays(warehouse: WarehouseHook) -> None:
    lines = opened(warehouse)
    assert warehouse.save_evidence(1, [said(lines, DAYS[0]), said(lines, DAYS[1], 0.2)]) == 2
    assert warehouse.save_evidence(1, [said(lines, DAYS[1], 0.9), said(lines, DAYS[2], 0.3)]) == 1
    assert values(warehouse, lines) == [(DAYS[0], 0.1), (DAYS[1], 0.2), (DAYS[2], 0.3)]


def test_returns_that_become_known_after_the_scores_still_count(warehouse: WarehouseHook) -> None:
    """A dataset of before returns were stored with samples tells no RankIC, and its scores are noted."""
    lines = opened(warehouse)
    warehouse.save_evidence(1, [replace(said(lines, day), statistic="brier") for day in DAYS[:3]])
    assert warehouse.save_evidence(1, [said(lines, day) for day in DAYS[:3]]) == 3
    assert warehouse.save_evidence(1, [replace(said(lines, DAYS[1], 0.9), task="investment_advice")]) == 0
    assert [session for session, _ in values(warehouse, lines)] == DAYS[:3]


def test_sessions_on_which_either_line_was_promoted_do_not_count(warehouse: WarehouseHook) -> None:
    lines = opened(warehouse)
    warehouse.save_evidence(1, [said(lines, day) for day in DAYS[:5]])
    warehouse.note_use(1, lines[0], DAYS[1:3], "promoted")
    warehouse.note_use(1, lines[1], DAYS[4:5], "promoted")
    assert [session for session, _ in values(warehouse, lines)] == [DAYS[0], DAYS[3]]


def test_sessions_before_the_stake_do_not_count(warehouse: WarehouseHook) -> None:
    ours, theirs = opened(warehouse)
    third = warehouse.open_line(1, line_of(PLAIN, {"rank": 8}), "third")
    warehouse.give_stake(1, third, theirs, DAYS[3], Budget(), DAYS)
    warehouse.save_evidence(1, [replace(said((third, theirs), day), challenger_model="third") for day in DAYS[:5]])
    assert [session for session, _ in values(warehouse, (third, theirs))] == [DAYS[3], DAYS[4]]
    assert values(warehouse, (ours, theirs)) == []


def test_lines_share_one_error_rate_and_a_pair_keeps_what_it_was_given(warehouse: WarehouseHook) -> None:
    ours, theirs = opened(warehouse)
    third = warehouse.open_line(1, line_of(PLAIN, {"rank": 8}), "third")
    budget = Budget(alpha=0.05, sessions=250, share=0.2)
    second = warehouse.give_stake(1, third, theirs, DAYS[10], budget, DAYS)
    assert second is not None
    assert [each.alpha for each in warehouse.stakes()] == pytest.approx([0.01, 0.008])
    assert warehouse.give_stake(1, third, theirs, DAYS[60], budget, DAYS) == second
    after = warehouse.give_stake(1, third, ours, DAYS[251], budget, DAYS)
    assert after is not None
    assert after.alpha == pytest.approx(0.2 * (0.05 - 0.008))


def test_a_pair_that_was_promoted_and_challenges_again_is_given_another_part_and_begins_anew(
    warehouse: WarehouseHook, warehouse_url: str
) -> None:
    """As after a rollback: with the first part it would have tried twice."""
    ours, theirs = lines = opened(warehouse)
    warehouse.save_evidence(1, [said(lines, day) for day in DAYS[:10]])
    budget = Budget(alpha=0.05, sessions=250, share=0.2)
    promoted(Database(warehouse_url), ours, theirs)
    assert values(warehouse, lines) == []
    again = warehouse.give_stake(1, ours, theirs, DAYS[0], budget, DAYS[:21])
    assert again is not None
    assert (again.session, again.alpha) == (DAYS[20], pytest.approx(0.2 * (0.05 - 0.01)))
    assert warehouse.give_stake(1, ours, theirs, DAYS[0], budget, DAYS[:30]) == again
    warehouse.save_evidence(1, [said(lines, day) for day in DAYS[10:23]])
    assert [session for session, _ in values(warehouse, lines)] == DAYS[20:23]


def test_however_often_pairs_are_rolled_back_all_are_given_no_more_than_the_error_rate(
    warehouse: WarehouseHook, warehouse_url: str
) -> None:
    ours, theirs = opened(warehouse)
    budget = Budget(alpha=0.05, sessions=250, share=0.2)
    for last in range(10, 250, 8):
        promoted(Database(warehouse_url), ours, theirs)
        assert warehouse.give_stake(1, ours, theirs, DAYS[0], budget, DAYS[:last]) is not None
    assert len(warehouse.stakes()) == 1 + len(range(10, 250, 8))
    assert sum(each.alpha for each in warehouse.stakes()) < 0.05


def promoted(db: Database, line: str, rival: str) -> None:
    """A decision that promoted a line by what its pair was given."""
    db.execute(
        "INSERT INTO ljwx.question_sets (question_set_id, dataset_id, kind, run_key) VALUES ('q', 'ds', 'validation', "
        "1) ON CONFLICT DO NOTHING"
    )
    number = db.insert(
        "INSERT INTO ljwx.promotions (challenger, question_set_id, verdict, promoted, reasons, policy, run_key) "
        "SELECT 'new', 'q', 'promoted', true, '[]', jsonb_build_object('number', count(*)), 1 FROM ljwx.promotions "
        "RETURNING promotion_id"
    )
    with psycopg.connect(db.url) as connection:
        connection.execute(statement("promotions/use_stake"), {"promotion_id": number, "line": line, "rival": rival})


def test_where_nothing_is_left_a_line_is_given_nothing_and_later_begins_with_the_newest_session(
    warehouse: WarehouseHook,
) -> None:
    ours, theirs = opened(warehouse)
    third = warehouse.open_line(1, line_of(PLAIN, {"rank": 8}), "third")
    whole = Budget(share=1.0)
    assert warehouse.give_stake(1, third, theirs, DAYS[10], whole, DAYS[:30]) is not None
    assert warehouse.give_stake(1, third, ours, DAYS[20], whole, DAYS[:30]) is None
    assert len(warehouse.stakes()) == 2
    given = warehouse.give_stake(1, third, ours, DAYS[20], whole, DAYS[:290])
    assert given is not None
    assert (given.session, given.alpha) == (DAYS[289], pytest.approx(0.05))


def test_looks_are_counted_one_for_each_session(warehouse: WarehouseHook) -> None:
    lines = opened(warehouse)
    assert warehouse.note_look(1, *lines, DAYS[0], 0, 0.0) == 1
    assert warehouse.note_look(1, *lines, DAYS[0], 0, 0.0) == 1
    assert warehouse.note_look(1, *lines, DAYS[1], 1, 0.3) == 2


def test_decisions_are_counted_by_line_whatever_its_weights_and_settings(
    warehouse: WarehouseHook, warehouse_url: str
) -> None:
    db = Database(warehouse_url)
    for name, line in (("old", "rank 8"), ("new", "rank 8"), ("third", "rank 16")):
        db.execute("INSERT INTO ljwx.lines (line_id, strategy, recipe, run_key) VALUES (%s, 'lora', '{}', 1) "
                   "ON CONFLICT DO NOTHING", line)  # fmt: skip
        spec = {"system": "x", "training": {"recipe_id": name}, "gguf_sha256": name}
        db.execute("UPDATE ljwx.models SET line_id = %s, spec = %s WHERE model = %s", line, Jsonb(spec), name)
    db.execute(
        "INSERT INTO ljwx.question_sets (question_set_id, dataset_id, kind, run_key) "
        "VALUES ('q', 'ds', 'validation', 1)"
    )
    for name in ("old", "third"):
        db.execute("INSERT INTO ljwx.promotions (challenger, question_set_id, verdict, promoted, reasons, policy, "
                   "run_key) VALUES (%s, 'q', 'kept_champion', false, '[]', '{}', 1)", name)  # fmt: skip
    assert warehouse.looked("new") == Looked(of_line=1, of_model=0, other_lines=1)
    db.execute("UPDATE ljwx.models SET line_id = NULL WHERE model = 'old'")
    assert warehouse.looked("new") == Looked(of_line=1, of_model=0, other_lines=1)


def test_a_decision_that_promotes_uses_up_what_its_pair_was_given(warehouse: WarehouseHook, warehouse_url: str) -> None:
    ours, theirs = opened(warehouse)
    Database(warehouse_url).execute(
        "INSERT INTO ljwx.question_sets (question_set_id, dataset_id, kind, run_key) "
        "VALUES ('q', 'ds', 'validation', 1)"
    )
    record = LineRecord(
        line=ours, rival=theirs, session=DAYS[9], looks=1, lines=1, alpha=0.01, spent=0.01, error_rate=0.05,
        error_sessions=250, compared=(), left_out={},
    )  # fmt: skip
    decision = Promotion(
        challenger="new", champion=None, question_set_id="q", evaluation_id=None, verdict="promoted", promoted=True,
        reasons=(), policy={}, proven=False, evidence=record, used=DAYS[:3],
    )  # fmt: skip
    number = warehouse.save_promotion(1, decision, "d")
    assert [each.used_by for each in warehouse.stakes()] == [number]
    assert warehouse.uses(ours) == set(DAYS[:3])
