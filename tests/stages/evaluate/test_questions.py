"""The stage `evaluations`: frozen questions, strict reading, and answers that survive a kill."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from math import log
from typing import Any

import pytest

from ljwx.core.lines import line_of
from ljwx.core.models import BuildSpec
from ljwx.exceptions import ConfigurationError, ModelMissing
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.asking.full import Prompted, ReadAnswer, ask, read_answer
from ljwx.settings import load_settings
from ljwx.stages.evaluate.asking import ask_questions
from ljwx.stages.evaluate.questions import freeze_questions, plan_questions
from support_chain import SMALL, Chain, Database, RunScript, answer_next
from support_ollama import BASE, OllamaServer
from support_rows import add_alias, add_model
from support_tasks import TaskRunner

ADVICE = {
    "advice": "buy",
    "probability": {"buy": 0.5, "hold": 0.3, "sell": 0.2},
    "reasons": ["MACD多头"],
    "analysis": "MACD多头",
    "note": "不构成投资建议",
}
TEXT = json.dumps(ADVICE, ensure_ascii=False)


@pytest.fixture(autouse=True)
def _no_challenger(request: pytest.FixtureRequest) -> Iterator[None]:
    """The tag that planning serves is gone afterwards."""
    yield
    if "chain_db" in request.fixturenames:
        request.getfixturevalue("ollama_sandbox").delete("ljwx-stock:challenger")


def test_an_answer_that_keeps_to_the_schema_is_read() -> None:
    chances = {"buy": 0.5, "hold": 0.3, "sell": 0.2}
    assert read_answer("investment_advice", TEXT, cut=False) == ReadAnswer(True, "buy", chances, ADVICE, None)


def test_an_answer_that_was_cut_says_so_unless_it_is_whole_all_the_same() -> None:
    assert read_answer("investment_advice", TEXT[:40], cut=True).reason == "cut_at_num_predict"
    assert read_answer("investment_advice", TEXT, cut=True).valid is True


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


def planned(tasks: TaskRunner, chain: Chain) -> list[dict[str, int]]:
    return tasks.run(plan_questions, chain.plan["model"], chain.question_set_id)


EVALUATIONS = (
    "SELECT e.evaluation_id, e.model, e.is_base, e.built, q.kind FROM ljwx.evaluations e "
    "JOIN ljwx.question_sets q USING (question_set_id) ORDER BY evaluation_id"
)


def test_challenger_and_untuned_base_get_the_same_questions_and_the_challenger_some_again_masked(
    chain_db: Database, chain: Chain, tasks: TaskRunner
) -> None:
    model = chain.plan["model"]
    shards = planned(tasks, chain)
    opened = chain_db.rows(EVALUATIONS)
    assert [(row["model"], row["is_base"], row["built"], row["kind"]) for row in opened] == [
        (model, False, model, "validation"), (BASE, True, None, "validation"), (model, False, model, "masked"),
    ]  # fmt: skip
    assert shards == [
        {"evaluation_id": row["evaluation_id"], "first": 0, "questions": 1 if row["kind"] == "masked" else 4}
        for row in opened
    ]


def test_planning_again_gives_the_same_shards_and_touches_nothing(
    chain_db: Database, chain: Chain, tasks: TaskRunner
) -> None:
    first = planned(tasks, chain)
    tables = ("question_sets", "questions")
    before = chain_db.state(*tables)
    assert planned(tasks, chain) == first
    assert chain_db.state(*tables) == before
    assert len(chain_db.rows(EVALUATIONS)) == 3


def test_shards_cover_every_question_once_and_none_is_too_large(
    chain_db: Database, chain: Chain, tasks: TaskRunner
) -> None:
    tasks.variables["ljwx_training_config"] = {
        **SMALL,
        "evaluation": SMALL["evaluation"] | {"shard_size": 3, "masked_share": 0},
    }
    first = chain_db.rows(EVALUATIONS)
    assert first == []
    shards = planned(tasks, chain)
    challenger, base = (row["evaluation_id"] for row in chain_db.rows(EVALUATIONS))
    assert shards == [
        {"evaluation_id": each, "first": first, "questions": 2} for each in (challenger, base) for first in (0, 2)
    ]


def test_a_champion_is_asked_the_same_questions(chain_db: Database, chain: Chain, tasks: TaskRunner) -> None:
    model = add_model(chain_db, "ljwx-stock:latest-champion")
    add_alias(chain_db, model)
    with pytest.raises(ModelMissing, match="latest-champion"):
        planned(tasks, chain)
    assert chain_db.rows(EVALUATIONS) == []


def test_a_model_that_was_deleted_meanwhile_fails_and_no_answer_is_written(
    chain_db: Database, chain: Chain, tasks: TaskRunner
) -> None:
    add_model(chain_db, "ljwx-stock:gone")
    with pytest.raises(ModelMissing, match="ljwx-stock:gone"):
        tasks.run(plan_questions, "ljwx-stock:gone", chain.question_set_id)
    counts = chain_db.counts()
    assert (counts["evaluations"], counts["answers"]) == (0, 0)


def test_a_model_of_another_line_that_is_gone_when_it_is_asked_keeps_nobody_from_a_decision(
    chain_db: Database,
    chain: Chain,
    tasks: TaskRunner,
    ollama_sandbox: OllamaServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    names, spec = ["ljwx-stock:serves", "ljwx-stock:rival"], chain_db.value("SELECT spec FROM ljwx.models")
    for name in names:
        assert ollama_sandbox.post("copy", {"source": chain.plan["model"], "destination": name}).ok
        add_model(chain_db, name, spec=spec | {"system": name}, line_id=None)
        WarehouseHook().open_line(1, line_of(BuildSpec.model_validate(spec | {"system": name})), name)
    add_alias(chain_db, names[0])
    shards = planned(tasks, chain)
    for name in names:
        ollama_sandbox.delete(name)
    asked = {WarehouseHook().evaluation(each["evaluation_id"]).model: each for each in shards}  # type: ignore[union-attr]
    assert [model for model, each in asked.items() if each.get("optional")] == [names[1]]
    assert tasks.run(ask_questions, asked[names[1]]) == asked[names[1]]["evaluation_id"]
    assert "is of another line, and is decided without: model 'ljwx-stock:rival'" in caplog.text
    with pytest.raises(ModelMissing, match=names[0]):
        tasks.run(ask_questions, asked[names[0]])
    assert chain_db.counts()["answers"] == 0


def test_a_name_that_stands_for_another_model_by_now_is_not_asked(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer
) -> None:
    shard = planned(tasks, chain)[0]
    chain_db.execute("UPDATE ljwx.evaluations SET digest = %s", "0" * 64)
    asked = ollama_faulty.stats()["requests"]
    with pytest.raises(ModelMissing, match=f"{chain.plan['model']} on .* is another model by now"):
        tasks.run(ask_questions, shard)
    assert (chain_db.counts()["answers"], ollama_faulty.stats()["requests"]) == (0, asked)


def test_with_other_settings_everybody_is_asked_anew(chain_db: Database, chain: Chain, tasks: TaskRunner) -> None:
    """Answers that were cut earlier, say, are not compared with longer ones."""
    first = {shard["evaluation_id"] for shard in planned(tasks, chain)}
    for changed in ({"num_predict": 200}, {"seed": 8, "masked_share": 0}, {"top_logprobs": 0}):
        tasks.variables["ljwx_training_config"] = {**SMALL, "evaluation": SMALL["evaluation"] | changed}
        assert not first & {shard["evaluation_id"] for shard in planned(tasks, chain)}
    tasks.variables["ljwx_training_config"] = SMALL
    assert {shard["evaluation_id"] for shard in planned(tasks, chain)} == first


def test_settings_that_change_while_a_set_is_asked_do_not_mix_its_answers(
    chain_db: Database, chain: Chain, tasks: TaskRunner
) -> None:
    shard = planned(tasks, chain)[0]
    tasks.variables["ljwx_training_config"] = {**SMALL, "evaluation": SMALL["evaluation"] | {"num_predict": 200}}
    with pytest.raises(ConfigurationError, match="was to be asked with other settings: clear the task plan_questions"):
        tasks.run(ask_questions, shard)
    assert chain_db.counts()["answers"] == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("UPDATE ljwx.models SET digest = repeat('0', 64)", "ljwx-stock:.* is another model by now: .*, not 0000"),
        ("UPDATE ljwx.models SET base_digest = repeat('0', 64)", f"{BASE} on .* is another model by now"),
        ("UPDATE ljwx.models SET verified = NULL", "was never verified: clear the task verify_model"),
        ("DELETE FROM ljwx.questions", "has no questions: clear the task freeze_questions"),
    ],
    ids=["challenger replaced", "base replaced", "never verified", "no questions"],
)
def test_who_is_not_what_was_recorded_is_not_asked(
    chain_db: Database, chain: Chain, tasks: TaskRunner, change: str, message: str
) -> None:
    chain_db.execute(change)
    with pytest.raises((ModelMissing, ConfigurationError), match=message):
        planned(tasks, chain)
    assert (chain_db.counts()["evaluations"], chain_db.counts()["aliases"]) == (0, 0)


def test_a_champion_that_was_replaced_on_the_server_is_not_asked(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_sandbox: OllamaServer
) -> None:
    champion = add_model(chain_db, "ljwx-stock:replaced")
    add_alias(chain_db, champion, digest="0" * 64)
    assert ollama_sandbox.post("copy", {"source": chain.plan["model"], "destination": champion}).ok
    try:
        with pytest.raises(ModelMissing, match=f"{champion} on .* is another model by now: .*, not 0000"):
            planned(tasks, chain)
    finally:
        ollama_sandbox.delete(champion)
    assert chain_db.rows(EVALUATIONS) == []


def test_labels_that_overlap_further_than_a_block_are_refused_before_anything_is_asked(
    chain_db: Database, chain: Chain, tasks: TaskRunner
) -> None:
    tasks.variables["ljwx_training_config"] = {**SMALL, "gate": SMALL["gate"] | {"block": 4}}
    with pytest.raises(ConfigurationError, match=r"gate\.block: 4 is less than samples\.horizon = 5"):
        planned(tasks, chain)
    assert chain_db.rows(EVALUATIONS) == []


def test_the_model_that_is_asked_is_served_as_challenger(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_sandbox: OllamaServer
) -> None:
    planned(tasks, chain)
    (row,) = chain_db.rows("SELECT alias, model, digest FROM ljwx.aliases")
    assert row == {"alias": "challenger", "model": chain.plan["model"], "digest": chain.built["digest"]}
    served = {tag["name"]: tag["digest"].removeprefix("sha256:") for tag in ollama_sandbox.get("tags")["models"]}
    assert served["ljwx-stock:challenger"] == chain.built["digest"]


KILLED = """
import os, signal, sys
from support_chain import running_tasks
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.stages.evaluate.asking import ask_questions

save, saved = WarehouseHook.save_answer, []
def save_then_die(self, evaluation_id, answer):
    save(self, evaluation_id, answer)
    saved.append(answer.sample_id)
    if len(saved) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
WarehouseHook.save_answer = save_then_die
with running_tasks() as (runner, _):
    runner.run(ask_questions, {shard})
"""


def test_a_killed_shard_goes_on_without_asking_twice(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer, run_script: RunScript
) -> None:
    shard = planned(tasks, chain)[0]
    asked = ollama_faulty.stats()["requests"]
    ended = run_script(KILLED.replace("{shard}", repr(shard)))
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert ollama_faulty.stats()["requests"] == asked + 2
    kept = chain_db.state("answers")["answers"]
    assert len(kept) == 2

    assert tasks.run(ask_questions, shard) == shard["evaluation_id"]
    assert ollama_faulty.stats()["requests"] == asked + 4
    assert set(kept) < set(chain_db.state("answers")["answers"])
    assert chain_db.column(
        "SELECT a.sample_id FROM ljwx.answers a JOIN ljwx.questions q USING (sample_id) "
        "WHERE q.question_set_id = %s AND raw <> '' AND prompt_tokens > 0 AND server_s > 0 AND server_s <= latency_s "
        "ORDER BY position", chain.question_set_id,
    ) == chain_db.column(
        "SELECT sample_id FROM ljwx.questions WHERE question_set_id = %s ORDER BY position", chain.question_set_id
    )  # fmt: skip

    tasks.run(ask_questions, shard)
    assert ollama_faulty.stats()["requests"] == asked + 4


def test_an_answer_is_saved_with_the_probabilities_of_its_tokens_and_its_claims(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer
) -> None:
    # The first question is of the task investment_advice: here its class is decided by the token "buy".
    told = [("buy", 0.5), ("sell", 0.3), ("hold", 0.2)]
    tokens: list[dict[str, Any]] = [
        {"token": '{"advice":"', "logprob": 0.0, "top_logprobs": []},
        {"token": "buy", "logprob": log(0.5), "top_logprobs": [{"token": t, "logprob": log(p)} for t, p in told]},
        {"token": TEXT.removeprefix('{"advice": "buy'), "logprob": 0.0, "top_logprobs": []},
    ]
    line = {"model": "x", "done": True, "done_reason": "stop", "message": {"role": "assistant", "content": TEXT}}
    shard = planned(tasks, chain)[0]
    ollama_faulty.fail_next("chat", "lines", lines=[line | {"logprobs": tokens}])
    tasks.run(ask_questions, shard | {"questions": 1})
    (row,) = chain_db.rows("SELECT probabilities, probabilities_from, claims, snapshot FROM ljwx.answers "
                           "JOIN ljwx.samples USING (sample_id)")  # fmt: skip
    assert row["probabilities_from"] == "tokens"
    assert row["probabilities"] == pytest.approx(dict(told))
    # The answer claims one reading twice: as its reason and in its prose.
    right = row["snapshot"]["readings"]["macd"] == "多头"
    counts = {"right": 2 if right else 0, "wrong": 0 if right else 2, "unsupported": 0}
    prose = sum(character.isalnum() for character in json.loads(TEXT)["analysis"])
    assert row["claims"] == {**counts, "unchecked": 0, "characters": prose, "checker": 4}


def test_a_pretty_printed_answer_tells_the_same_probabilities_as_a_compact_one(
    chain_db: Database, chain: Chain, ollama_faulty: OllamaServer
) -> None:
    """An untuned base writes its JSON in lines; the class is behind a blank and a quote then."""
    made = {"model": "pretty:1b", "from": BASE, "parameters": {"sandbox_pretty_print": True}}
    ollama_faulty.post("create", made).raise_for_status()
    try:
        for stored in WarehouseHook().questions(chain.question_set_id):
            compact, pretty = (
                ask(OllamaHook(), model, Prompted.of(stored), load_settings(SMALL), parameters={})
                for model in (BASE, "pretty:1b")
            )
            assert "\n" in pretty.raw
            assert "\n" not in compact.raw
            assert pretty.parsed == compact.parsed
            assert (pretty.probabilities_from, pretty.valid) == ("tokens", True)
            assert pretty.probabilities == compact.probabilities
    finally:
        ollama_faulty.delete("pretty:1b")


def test_the_masked_question_hides_the_stock_and_the_day(
    chain_db: Database, chain: Chain, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    chat = OllamaHook.chat

    def listen(self: OllamaHook, model: str, messages: Any, **kwargs: Any) -> Any:
        told.append(messages[-1]["content"])
        return chat(self, model, messages, **kwargs)

    monkeypatch.setattr(OllamaHook, "chat", listen)
    tasks.run(ask_questions, planned(tasks, chain)[-1])
    (row,) = chain_db.rows(
        "SELECT ts_code, session::text FROM ljwx.samples JOIN ljwx.questions USING (sample_id) "
        "JOIN ljwx.question_sets USING (question_set_id) WHERE kind = 'masked'"
    )
    assert len(told) == 1
    assert row["ts_code"] not in told[0]
    assert row["session"] not in told[0]
    assert "某股票" in told[0]


def test_the_base_is_given_the_system_prompt_and_the_parameters_that_the_challenger_was_made_with(
    chain_db: Database, chain: Chain, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}
    chat = OllamaHook.chat

    def listen(self: OllamaHook, model: str, messages: Any, **kwargs: Any) -> Any:
        asked.setdefault(model, ([message["role"] for message in messages], kwargs["options"]))
        return chat(self, model, messages, **kwargs)

    monkeypatch.setattr(OllamaHook, "chat", listen)
    for shard in planned(tasks, chain)[:2]:
        tasks.run(ask_questions, shard)
    assert asked[chain.plan["model"]][0] == ["user"]
    assert asked[BASE][0] == ["system", "user"]
    assert asked[BASE][1] == {"num_ctx": 4096, **asked[chain.plan["model"]][1]}


def test_an_invalid_answer_is_saved_as_it_came(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer
) -> None:
    shard = planned(tasks, chain)[0]
    answer_next(ollama_faulty, "我看好这只股票", "", TEXT, '{"advice":"buy"')
    tasks.run(ask_questions, shard)
    rows = chain_db.rows(
        "SELECT raw, valid, label, parsed, reason, probabilities, probabilities_from, claims FROM ljwx.answers "
        "ORDER BY answered_at"
    )
    assert [row["raw"] for row in rows] == ["我看好这只股票", "", TEXT, '{"advice":"buy"']
    invalid = [row for row in rows if row["raw"] != TEXT]
    for row in invalid:
        assert row == {
            "raw": row["raw"], "valid": False, "label": None, "parsed": None, "reason": "not_the_schema",
            "probabilities": None, "probabilities_from": None, "claims": None,
        }  # fmt: skip


def test_without_log_probabilities_the_written_ones_count(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer
) -> None:
    shard = planned(tasks, chain)[0]
    answer_next(ollama_faulty, TEXT)
    tasks.run(ask_questions, shard | {"questions": 1})
    (row,) = chain_db.rows("SELECT probabilities, probabilities_from FROM ljwx.answers WHERE valid")
    assert row == {"probabilities": ADVICE["probability"], "probabilities_from": "answer"}


def test_a_share_of_no_masked_questions_asks_none(chain_db: Database, chain: Chain, tasks: TaskRunner) -> None:
    tasks.variables["ljwx_training_config"] = {**SMALL, "evaluation": SMALL["evaluation"] | {"masked_share": 0}}
    assert len(planned(tasks, chain)) == 2
    assert chain_db.column("SELECT kind FROM ljwx.question_sets") == ["validation"]
