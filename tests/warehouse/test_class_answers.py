"""Answers that are a class alone: the first word stays, and one digest has one answer whatever it is called."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from ljwx.core.retention import Sweep
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.warehouse.class_answers import ClassAnswer, ToldClass, likeliest
from ljwx.warehouse.evaluations import QuestionSet
from ljwx.warehouse.runs import RunRef
from support_chain import Database

ROWS = """
INSERT INTO ljwx.datasets (dataset_id, sha256, spec, counts, exclusions, proof, first_session, last_session, folder,
                           code_version, run_key)
VALUES ('ds', '', '{}', '{}', '{}', '{}', '2026-01-05', '2026-03-02', '', '', 1);
INSERT INTO ljwx.samples (sample_id, ts_code, session, task, snapshot, snapshot_sha256, answer, label, label_end,
                          bars_from, feature_version, prompt_version, run_key)
SELECT 's' || at, '00000' || at || '.SZ', date '2026-02-02' + at, 'risk_assessment', '{}', '', '{}', 'low',
       '2026-03-02', '2026-01-05', '1', 'v1', 1 FROM generate_series(1, 2) AS at;
INSERT INTO ljwx.models (model, digest, strategy, base, base_digest, spec, spec_sha256, dataset_id, run_key)
SELECT name, 'd', 'prompt', 'b', 'e', '{}', '', 'ds', 1 FROM unnest(ARRAY['monday', 'tuesday']) AS name;
"""
SENT = {"asks": "class"}
SAID = ClassAnswer("s1", {"low": 0.7, "medium": 0.2, "high": 0.1}, None, "ollama_default", 0.2, 0.1, 500, 6)


@pytest.fixture
def warehouse(warehouse_url: str) -> WarehouseHook:
    hook = WarehouseHook()
    run_key = hook.start_run(RunRef("tests", "one", "answers"))
    Database(warehouse_url).execute(ROWS)
    for name in ("q1", "q2"):
        hook.save_question_set(run_key, QuestionSet(name, "ds", "classes"), [])
    return hook


def opened(warehouse: WarehouseHook, model: str, asked: str, digest: str = "d", **sent: str) -> int:
    return warehouse.open_evaluation(1, model, digest, asked, SENT | sent)


def test_a_model_has_one_answer_to_a_sample_under_all_its_names(warehouse: WarehouseHook) -> None:
    monday, tuesday = opened(warehouse, "monday", "q1"), opened(warehouse, "tuesday", "q2")
    warehouse.save_class_answer(monday, SAID)
    warehouse.save_class_answer(tuesday, replace(SAID, probabilities={"low": 0.0, "medium": 0.0, "high": 1.0}))
    told = ToldClass("s1", "risk_assessment", "000001.SZ", date(2026, 2, 3), {"low": 0.7, "medium": 0.2, "high": 0.1})
    assert warehouse.class_answers("d", SENT) == [told]


def test_what_was_said_first_stays(warehouse: WarehouseHook) -> None:
    evaluation = opened(warehouse, "monday", "q1")
    warehouse.save_class_answer(evaluation, replace(SAID, probabilities=None, reason="no_class"))
    warehouse.save_class_answer(evaluation, SAID)
    assert [each.probabilities for each in warehouse.class_answers("d", SENT)] == [None]


def test_answers_of_other_digests_and_of_other_requests_are_not_among_them(warehouse: WarehouseHook) -> None:
    warehouse.save_class_answer(opened(warehouse, "monday", "q1", digest="f"), SAID)
    warehouse.save_class_answer(opened(warehouse, "monday", "q1", seed="8"), SAID)
    assert warehouse.class_answers("d", SENT) == []


def test_answers_can_be_read_of_some_sessions_alone(warehouse: WarehouseHook) -> None:
    evaluation = opened(warehouse, "monday", "q1")
    for sample in ("s1", "s2"):
        warehouse.save_class_answer(evaluation, replace(SAID, sample_id=sample))
    assert [each.sample_id for each in warehouse.class_answers("d", SENT, [date(2026, 2, 4)])] == ["s2"]
    assert warehouse.class_answers("d", SENT, []) == []


def test_they_stand_beside_the_full_answers_in_a_samples_lineage_and_a_models(warehouse: WarehouseHook) -> None:
    evaluation = opened(warehouse, "monday", "q1")
    warehouse.save_class_answer(evaluation, SAID)
    warehouse.save_class_answer(evaluation, replace(SAID, sample_id="s2", probabilities=None, reason="no_class"))
    ((one,), (other,)) = (warehouse.answers_to(sample) for sample in ("s1", "s2"))
    assert (one.model, one.label, one.valid) == ("monday", "low", True)
    assert (other.label, other.valid, other.reason) == (None, False, "no_class")


def test_they_go_with_the_model_that_was_asked(warehouse: WarehouseHook, warehouse_url: str) -> None:
    warehouse.save_class_answer(opened(warehouse, "monday", "q1"), SAID)
    sweep, db = Sweep("answers", date(2026, 2, 1), "old"), Database(warehouse_url)
    assert warehouse.sweep(1, sweep, dry_run=False) == []
    db.execute("UPDATE ljwx.models SET deleted_at = '2026-01-01' WHERE model = 'monday'")
    (part,) = warehouse.sweep(1, sweep, dry_run=False)
    assert (part.name, part.rows) == ("monday", 1)
    assert db.counts()["class_answers"] == 0


def test_likeliest_classes_are_counted_by_task_and_what_could_not_be_read_is_left_out() -> None:
    said = [
        ("price_direction", {"up": 0.5, "flat": 0.2, "down": 0.3}),
        ("price_direction", {"up": 0.4, "flat": 0.1, "down": 0.5}),
        ("price_direction", {"up": 0.6, "flat": 0.1, "down": 0.3}),
        ("price_direction", None),
        ("risk_assessment", {"low": 0.1, "medium": 0.2, "high": 0.7}),
    ]
    told = [ToldClass(str(at), task, "000001.SZ", date(2026, 2, 3), each) for at, (task, each) in enumerate(said)]
    assert likeliest(told) == {"price_direction": {"up": 2, "down": 1}, "risk_assessment": {"high": 1}}
