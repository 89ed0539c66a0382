"""The stage `evaluations`: frozen questions, strict reading, and answers that survive a kill."""

from __future__ import annotations

import json
import signal

import pytest

from ljwx.exceptions import ModelMissing
from ljwx.tasks.asking import read_answer
from ljwx.tasks.evaluations import ask_questions, freeze_questions
from support_chain import Chain, Database, answer_next, python
from support_ollama import OllamaServer
from support_tasks import TaskRunner

ADVICE = {
    "advice": "buy",
    "probability": {"buy": 0.5, "hold": 0.3, "sell": 0.2},
    "reasons": ["MACD多头"],
    "analysis": "MACD多头",
    "note": "不构成投资建议",
}
TEXT = json.dumps(ADVICE, ensure_ascii=False)


def test_an_answer_that_keeps_to_the_schema_is_read() -> None:
    assert read_answer("investment_advice", TEXT, cut=False) == {
        "valid": True, "label": "buy", "probabilities": {"buy": 0.5, "hold": 0.3, "sell": 0.2}, "parsed": ADVICE,
        "reason": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "我看好这只股票",
        "null",
        "[]",
        f"[{TEXT}]",
        f"{TEXT} 以上。",
        f"```json\n{TEXT}\n```",
        TEXT[:-1],
        TEXT.replace(",", "，"),
        TEXT.replace("0.5", "NaN"),
        json.dumps(ADVICE | {"advice": "strong buy"}),
        json.dumps(ADVICE | {"advice": "买入"}),
        json.dumps(ADVICE | {"advice": None}),
        json.dumps(ADVICE | {"confidence": 1}),
        json.dumps({name: value for name, value in ADVICE.items() if name != "note"}),
        json.dumps(ADVICE | {"note": "稳赚"}),
        json.dumps(ADVICE | {"probability": {"buy": 0.9, "hold": 0.9, "sell": 0.9}}),
        json.dumps(ADVICE | {"probability": {"buy": "0.5", "hold": 0.3, "sell": 0.2}}),
        json.dumps(ADVICE | {"reasons": []}),
    ],
)
def test_an_answer_that_does_not_is_invalid_and_has_no_class(text: str) -> None:
    assert read_answer("investment_advice", text, cut=False) == {
        "valid": False, "label": None, "probabilities": None, "parsed": None, "reason": "not_the_schema",
    }  # fmt: skip


def test_the_answer_to_another_task_is_invalid() -> None:
    assert read_answer("price_direction", TEXT, cut=False)["valid"] is False


def test_an_answer_that_was_cut_says_so_unless_it_is_whole_all_the_same() -> None:
    assert read_answer("investment_advice", TEXT[:40], cut=True)["reason"] == "cut_at_num_predict"
    assert read_answer("investment_advice", TEXT, cut=True)["valid"] is True


def test_questions_come_from_the_validation_split_one_of_each_task(chain_db: Database, chain: Chain) -> None:
    found = chain_db.rows(
        "SELECT s.task, d.split FROM ljwx.questions JOIN ljwx.samples s USING (sample_id) "
        "JOIN ljwx.dataset_samples d USING (sample_id) ORDER BY position"
    )
    assert {row["split"] for row in found} == {"validation"}
    assert sorted(row["task"] for row in found) == [
        "investment_advice", "price_direction", "risk_assessment", "technical_analysis",
    ]  # fmt: skip


def test_freezing_again_gives_the_same_set_and_touches_nothing(
    chain_db: Database, chain: Chain, tasks: TaskRunner
) -> None:
    before = chain_db.state("question_sets", "questions")
    assert tasks.run(freeze_questions, chain.dataset_id) == chain.question_set_id
    assert chain_db.state("question_sets", "questions") == before


KILLED = """
import os, signal, sys
from support_chain import running_tasks
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.tasks.evaluations import ask_questions

save, saved = WarehouseHook.save_answer, []
def save_then_die(self, evaluation_id, answer):
    save(self, evaluation_id, answer)
    saved.append(answer["sample_id"])
    if len(saved) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
WarehouseHook.save_answer = save_then_die
with running_tasks() as (runner, _):
    runner.run(ask_questions, *{arguments})
"""


def test_a_killed_run_goes_on_without_asking_twice(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer
) -> None:
    arguments = (chain.plan["model"], chain.question_set_id)
    asked = ollama_faulty.stats()["requests"]
    ended = python(KILLED.replace("{arguments}", repr(arguments)))
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert ollama_faulty.stats()["requests"] == asked + 2
    kept = chain_db.state("answers")["answers"]
    assert len(kept) == 2

    evaluation = tasks.run(ask_questions, *arguments)
    assert ollama_faulty.stats()["requests"] == asked + 4
    assert set(kept) < set(chain_db.state("answers")["answers"])
    assert chain_db.column(
        "SELECT a.sample_id FROM ljwx.answers a JOIN ljwx.questions q USING (sample_id) "
        "WHERE evaluation_id = %s AND raw <> '' AND prompt_tokens > 0 ORDER BY position", evaluation,
    ) == chain_db.column("SELECT sample_id FROM ljwx.questions ORDER BY position")  # fmt: skip

    assert tasks.run(ask_questions, *arguments) == evaluation
    assert ollama_faulty.stats()["requests"] == asked + 4


def test_an_invalid_answer_is_saved_as_it_came(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer
) -> None:
    answer_next(ollama_faulty, "我看好这只股票", "", TEXT, '{"advice":"buy"')
    tasks.run(ask_questions, chain.plan["model"], chain.question_set_id)
    rows = chain_db.rows("SELECT raw, valid, label, parsed, reason FROM ljwx.answers ORDER BY answered_at")
    assert [row["raw"] for row in rows] == ["我看好这只股票", "", TEXT, '{"advice":"buy"']
    invalid = [row for row in rows if row["raw"] != TEXT]
    assert {(row["valid"], row["label"], row["parsed"], row["reason"]) for row in invalid} == {
        (False, None, None, "not_the_schema")
    }


def test_a_model_that_was_deleted_meanwhile_fails_and_no_answer_is_written(
    chain_db: Database, chain: Chain, tasks: TaskRunner
) -> None:
    chain_db.execute(
        "INSERT INTO ljwx.models (model, digest, strategy, base, base_digest, spec, spec_sha256, dataset_id, run_key) "
        "SELECT 'ljwx-stock:gone', digest, strategy, base, base_digest, spec, spec_sha256, dataset_id, run_key "
        "FROM ljwx.models"
    )
    with pytest.raises(ModelMissing, match="ljwx-stock:gone"):
        tasks.run(ask_questions, "ljwx-stock:gone", chain.question_set_id)
    counts = chain_db.counts()
    assert (counts["evaluations"], counts["answers"]) == (0, 0)
