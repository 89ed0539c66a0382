"""Questions of which the class alone is asked: whole sessions, a few tokens each, and never twice."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import date
from math import log
from typing import Any

import pytest

from ljwx.exceptions import ConfigurationError
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.asking.classes import ClassTokens, ask_class
from ljwx.services.asking.full import Prompted, ask, class_request_config
from ljwx.services.asking.servers import Server
from ljwx.settings import load_settings
from ljwx.stages.evaluate.asking import ask_questions
from ljwx.stages.evaluate.questions import plan_questions
from ljwx.warehouse.lines import SessionEvidence
from support_chain import SMALL, Chain, Database, RunScript
from support_ollama import BASE, OllamaServer
from support_rows import add_decision, add_model
from support_tasks import TaskRunner

CLASSES = {**SMALL, "evaluation": SMALL["evaluation"] | {"class_questions": 60, "class_sessions": 2}}
SETTINGS = load_settings(CLASSES)
PREDICTIVE = {"investment_advice", "risk_assessment", "price_direction"}


@pytest.fixture
def tasks_of_classes(chain_db: Database, tasks: TaskRunner, ollama_sandbox: OllamaServer) -> Iterator[TaskRunner]:
    """The tasks with questions of classes, and without the tag that planning serves afterwards."""
    tasks.variables["ljwx_training_config"] = CLASSES
    yield tasks
    ollama_sandbox.delete("ljwx-stock:challenger")


def planned(tasks: TaskRunner, chain: Chain, model: str = "") -> list[dict[str, int]]:
    """The shards of questions of classes."""
    shards = tasks.run(plan_questions, model or chain.plan["model"], chain.question_set_id)
    opened = {shard["evaluation_id"]: WarehouseHook().evaluation(shard["evaluation_id"]) for shard in shards}
    return [shard for shard in shards if opened[shard["evaluation_id"]].question_set_id.endswith("-classes")]  # type: ignore[union-attr]


def answers_of(model: str, digest: str) -> dict[str, Any]:
    parameters = SETTINGS.model.parameters if model == BASE else None
    told = WarehouseHook().class_answers(digest, class_request_config(SETTINGS, parameters))
    return {each.sample_id: each for each in told}


def test_whole_sessions_of_the_validation_split_are_asked_about_and_no_text_is_kept(
    chain_db: Database, chain: Chain, tasks_of_classes: TaskRunner
) -> None:
    (shard,) = planned(tasks_of_classes, chain)
    tasks_of_classes.run(ask_questions, shard)
    (digests,) = chain_db.rows("SELECT digest AS built, base_digest AS base FROM ljwx.models")
    ours = answers_of(chain.plan["model"], digests["built"])
    assert answers_of(BASE, digests["base"]) == {}, "nothing is decided by the classes of the untuned base"
    assert {each.task for each in ours.values()} == PREDICTIVE
    for task in PREDICTIVE:
        of_task = [each for each in ours.values() if each.task == task]
        assert 12 <= len(of_task) <= 20
        assert len({each.session for each in of_task}) <= 2
    assert all(sum(each.probabilities.values()) == pytest.approx(1) for each in ours.values())
    split = chain_db.column("SELECT sample_id FROM ljwx.dataset_samples WHERE split = 'validation'")
    assert set(ours) <= set(split)
    assert chain_db.counts()["answers"] == 0


def test_the_probabilities_are_those_of_the_whole_answer_for_a_fraction_of_its_tokens(
    chain_db: Database, chain: Chain, tasks_of_classes: TaskRunner
) -> None:
    stored = WarehouseHook().questions(chain.question_set_id)
    server, tokens = Server("ollama_default", OllamaHook(), 1), ClassTokens()
    for each in stored:
        prompted = Prompted.of(each)
        whole = ask(server.ollama, chain.plan["model"], prompted, SETTINGS)
        for _ in range(2):
            said = ask_class(server, chain.plan["model"], prompted, SETTINGS, tokens)
            assert said.probabilities == pytest.approx(whole.probabilities)
        assert said.prompt_tokens == whole.prompt_tokens
        assert (said.server, said.reason) == ("ollama_default", None)
        # Braces, quotes, colon, the field's name and the class: nothing behind it.
        assert said.answer_tokens <= 8 < whole.answer_tokens / 3


def test_planned_again_nothing_is_asked_twice(
    chain_db: Database, chain: Chain, tasks_of_classes: TaskRunner, ollama_sandbox: OllamaServer
) -> None:
    for shard in planned(tasks_of_classes, chain):
        tasks_of_classes.run(ask_questions, shard)
    before, asked = chain_db.state("class_answers", "questions"), ollama_sandbox.stats()["requests"]
    assert planned(tasks_of_classes, chain) == []
    assert chain_db.state("class_answers", "questions") == before
    assert ollama_sandbox.stats()["requests"] == asked


def test_the_same_model_under_another_name_is_not_asked_again(
    chain_db: Database, chain: Chain, tasks_of_classes: TaskRunner, ollama_sandbox: OllamaServer
) -> None:
    for shard in planned(tasks_of_classes, chain):
        tasks_of_classes.run(ask_questions, shard)
    tomorrow = add_model(chain_db, "ljwx-stock:tomorrow")
    assert ollama_sandbox.post("copy", {"source": chain.plan["model"], "destination": tomorrow}).ok
    try:
        assert planned(tasks_of_classes, chain, tomorrow) == []
    finally:
        ollama_sandbox.delete(tomorrow)


def test_more_sessions_ask_only_what_is_new(
    chain_db: Database, chain: Chain, tasks_of_classes: TaskRunner, ollama_sandbox: OllamaServer
) -> None:
    tasks_of_classes.run(ask_questions, planned(tasks_of_classes, chain)[0])
    more = SMALL["evaluation"] | {"class_questions": 120, "class_sessions": 4}
    tasks_of_classes.variables["ljwx_training_config"] = {**SMALL, "evaluation": more}
    asked, shard = ollama_sandbox.stats()["requests"], planned(tasks_of_classes, chain)[0]
    tasks_of_classes.run(ask_questions, shard)
    kept = chain_db.counts()["class_answers"]
    known = len(WarehouseHook().class_answered(shard["evaluation_id"]))
    assert known == shard["questions"]
    assert ollama_sandbox.stats()["requests"] - asked <= shard["questions"] - 30 + 6
    assert kept < shard["questions"] + 60


def test_sessions_that_were_not_noted_are_asked_about_before_newer_ones(
    chain_db: Database, chain: Chain, tasks_of_classes: TaskRunner
) -> None:
    warehouse, model = WarehouseHook(), chain.plan["model"]
    split = sorted({each.session for each in warehouse.question_candidates(chain.dataset_id, "validation")})

    def sessions_asked() -> list[date]:
        evaluation = warehouse.evaluation(planned(tasks_of_classes, chain)[0]["evaluation_id"])
        assert evaluation is not None
        asked = {each.question.session for each in warehouse.questions(evaluation.question_set_id)}
        return sorted(asked)

    usual = sessions_asked()
    assert usual[-1] == split[-1]
    line = chain_db.value("SELECT line_id FROM ljwx.models")
    (noted, *rest), run_key = split[-6:], chain_db.value("SELECT max(run_key) FROM ljwx.runs")
    told = (noted, "price_direction", "rank_ic", 0.1, 0.4, 30, rest[-1], model, None)
    warehouse.save_evidence(run_key, [SessionEvidence(line, "none", *told)])
    assert sessions_asked() == rest[:2]
    add_decision(chain_db, model, "rejected")
    assert sessions_asked() == usual


KILLED = """
import os, signal
from support_chain import running_tasks
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.stages.evaluate.asking import ask_questions

save, saved = WarehouseHook.save_class_answer, []
def save_then_die(self, evaluation_id, answer):
    save(self, evaluation_id, answer)
    saved.append(answer.sample_id)
    if len(saved) == 5:
        os.kill(os.getpid(), signal.SIGKILL)
WarehouseHook.save_class_answer = save_then_die
with running_tasks() as (runner, _):
    runner.variables["ljwx_training_config"] = {settings}
    runner.run(ask_questions, {shard})
"""


def test_a_killed_shard_goes_on_with_what_is_missing(
    chain_db: Database, chain: Chain, tasks_of_classes: TaskRunner, ollama_sandbox: OllamaServer, run_script: RunScript
) -> None:
    shard = planned(tasks_of_classes, chain)[0]
    ended = run_script(KILLED.replace("{shard}", repr(shard)).replace("{settings}", repr(CLASSES)))
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    kept = chain_db.state("class_answers")["class_answers"]
    assert len(kept) == 5
    tasks_of_classes.run(ask_questions, shard)
    assert set(kept) < set(chain_db.state("class_answers")["class_answers"])
    assert chain_db.counts()["class_answers"] == shard["questions"]


def test_other_settings_that_decide_on_an_answer_do_not_mix_with_it(
    chain_db: Database, chain: Chain, tasks_of_classes: TaskRunner
) -> None:
    shard = planned(tasks_of_classes, chain)[0]
    for changed in ({"seed": 8}, {"top_logprobs": 5}):
        tasks_of_classes.variables["ljwx_training_config"] = {**CLASSES, "evaluation": CLASSES["evaluation"] | changed}
        with pytest.raises(ConfigurationError, match="was to be asked with other settings: clear the task plan_q"):
            tasks_of_classes.run(ask_questions, shard)
    # The length of whole answers is none of them.
    longer = CLASSES["evaluation"] | {"num_predict": 500}
    tasks_of_classes.variables["ljwx_training_config"] = {**CLASSES, "evaluation": longer}
    tasks_of_classes.run(ask_questions, shard | {"questions": 1})
    assert chain_db.counts()["class_answers"] == 1


@pytest.mark.parametrize("none", [{"class_questions": 0}, {"top_logprobs": 0}])
def test_without_classes_to_ask_for_or_to_read_there_are_no_such_questions(
    chain_db: Database, chain: Chain, tasks_of_classes: TaskRunner, none: dict[str, int]
) -> None:
    tasks_of_classes.variables["ljwx_training_config"] = {**CLASSES, "evaluation": CLASSES["evaluation"] | none}
    assert planned(tasks_of_classes, chain) == []
    assert chain_db.column("SELECT kind FROM ljwx.question_sets ORDER BY kind") == ["masked", "validation"]


def test_sessions_that_what_a_model_was_made_from_reaches_are_not_asked_about(
    chain_db: Database, chain: Chain, tasks_of_classes: TaskRunner
) -> None:
    """As after a backfill, which moves the windows back over them."""
    reached, first, *_ = chain_db.column(
        "SELECT DISTINCT session FROM ljwx.samples JOIN ljwx.dataset_samples USING (sample_id) "
        "WHERE split = 'validation' AND task = 'price_direction' ORDER BY session DESC LIMIT 2"
    )[::-1]
    chain_db.execute(
        "UPDATE ljwx.datasets SET proof = jsonb_set(proof, '{max_label_end,train}', to_jsonb(%s::text))", str(reached)
    )
    planned(tasks_of_classes, chain)
    asked = chain_db.column(
        "SELECT DISTINCT session FROM ljwx.questions JOIN ljwx.samples USING (sample_id) "
        "WHERE question_set_id LIKE '%%-classes'"
    )
    assert first in asked
    assert min(asked) > reached


def told(*tokens: tuple[str, dict[str, float]], end: str = "length") -> dict[str, Any]:
    """An answer's line: each token with what it may have been."""
    entries = [
        {"token": text, "logprob": log(offered.get(text, 1.0)),
         "top_logprobs": [{"token": other, "logprob": log(share)} for other, share in offered.items()]}
        for text, offered in tokens
    ]  # fmt: skip
    text = "".join(token for token, _ in tokens)
    return {
        "model": "x", "done": True, "done_reason": end, "message": {"role": "assistant", "content": text},
        "logprobs": entries, "eval_count": len(tokens),
    }  # fmt: skip


def asked_with(server: OllamaServer, chain: Chain, *lines: dict[str, Any], tokens: ClassTokens | None = None) -> Any:
    server.play(*({"route": "chat", "kind": "lines", "lines": [line]} for line in lines))
    (stored,) = [
        each for each in WarehouseHook().questions(chain.question_set_id) if each.question.task == "price_direction"
    ]
    ollama = Server("ollama_default", OllamaHook(), 1)
    return ask_class(ollama, chain.plan["model"], Prompted.of(stored), SETTINGS, tokens or ClassTokens())


OPEN: tuple[tuple[str, dict[str, float]], ...] = (('{"direction":"', {'{"direction":"': 0.99}),)
SURE = {"up": 0.5, "down": 0.3, "flat": 0.2}


def test_an_answer_that_has_not_come_to_its_class_is_asked_for_with_more_tokens(
    chain_db: Database, chain: Chain, ollama_faulty: OllamaServer
) -> None:
    blanks = (("{\n", {"{\n": 0.9}),) + (("  ", {"  ": 0.9}),) * 15
    tokens = ClassTokens()
    whole = told(*blanks, ('"direction": "', {'"direction": "': 0.99}), ("up", SURE))
    said = asked_with(ollama_faulty, chain, told(*blanks), whole, tokens=tokens)
    assert said.probabilities == pytest.approx(SURE)
    assert tokens.expected(chain.plan["model"], "price_direction") == 18


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([told(*OPEN, end="stop")], "no_class"),
        ([told(("我", {"我": 0.9}))] * 3, "no_class"),
        ([told(*OPEN, ("up", {"up": 0.4, "d": 0.1, "x": 0.5, "f": 1e-9, "": 0.01}), end="stop")], None),
        ([told(*OPEN, ("up", {"up": 0.4}), end="stop")], "undecided"),
        ([{**told(*OPEN, ("up", SURE)), "logprobs": []}], "no_logprobs"),
        ([told((OPEN[0][0], {}), ("up", {}), end="stop")], "no_logprobs"),
    ],
)  # fmt: skip
def test_a_class_that_cannot_be_read_is_kept_as_such(
    chain_db: Database, chain: Chain, ollama_faulty: OllamaServer, lines: list[dict[str, Any]], reason: str | None
) -> None:
    said = asked_with(ollama_faulty, chain, *lines)
    assert said.reason == reason
    assert (said.probabilities is None) == (reason is not None)
