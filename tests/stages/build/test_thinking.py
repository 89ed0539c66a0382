"""A base that thinks before it answers: built, verified and evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ljwx.exceptions import BuildFailed
from ljwx.operators.ollama import OllamaOperator
from ljwx.stages.build.plan import plan_build
from ljwx.stages.build.verification import verify_model
from ljwx.stages.evaluate.asking import ask_questions
from ljwx.stages.evaluate.questions import plan_questions
from ljwx.stages.promote.decision import decide_promotion
from ljwx_sandbox.ollama.thinking import OLDER_THINKING, THINKING
from support_chain import SMALL, UNPLAYED, Chain, Database
from support_ollama import BASE, OllamaServer
from support_script import COUNTS
from support_tasks import TaskRunner

THINKER = "thinker:1b"


@pytest.fixture
def server(ollama_faulty: OllamaServer) -> Iterator[OllamaServer]:
    """The shared sandbox; what a test made on it is removed."""
    before = {tag["name"] for tag in ollama_faulty.get("tags")["models"]}
    yield ollama_faulty
    ollama_faulty.clear_faults()
    for tag in ollama_faulty.get("tags")["models"]:
        if tag["name"] not in before:
            ollama_faulty.delete(tag["name"])


def settings(**evaluation: Any) -> dict[str, Any]:
    return SMALL | {
        "model": SMALL["model"] | {"base": THINKER, "strategy": "fewshot"},
        "evaluation": SMALL["evaluation"] | evaluation,
    }


def build(
    tasks: TaskRunner, server: OllamaServer, template: str, **parameters: Any
) -> tuple[dict[str, str], dict[str, Any]]:
    """Make the base with a template, and a model from it as the settings in force say."""
    base = {"model": THINKER, "from": BASE, "template": template, "parameters": parameters, "stream": False}
    assert server.post("create", base).ok
    plan = tasks.run(plan_build)
    return plan, OllamaOperator(task_id="build", model=plan["model"], spec_path=plan["spec_path"]).execute({})


@pytest.mark.parametrize(
    ("template", "think", "thought"),
    [(THINKING, False, False), (THINKING, True, True), (THINKING, "low", True), (OLDER_THINKING, False, False)],
    ids=["asked-not-to", "let", "let-a-little", "says-nothing-of-it"],
)
def test_a_thinking_base_is_built_verified_and_evaluated(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer, template: str, think: Any, thought: bool
) -> None:
    tasks.variables["ljwx_training_config"] = settings(think=think)
    chain_db.execute("DELETE FROM ljwx.models")
    plan, built = build(tasks, server, template)
    assert tasks.run(verify_model, plan, built) == plan["model"]
    assert chain_db.value("SELECT verified -> 'differs_from_base_on' ->> 0 FROM ljwx.models")
    for shard in tasks.run(plan_questions, built["model"], chain.question_set_id):
        tasks.run(ask_questions, shard)
    answers = chain_db.rows("SELECT valid, raw, probabilities_from FROM ljwx.answers")
    assert {(row["valid"], row["probabilities_from"]) for row in answers} == {(True, "tokens")}
    assert {row["raw"].startswith("<think>") for row in answers} == {thought}
    assert tasks.run(decide_promotion, built["model"], chain.question_set_id)["verdict"]
    assert chain_db.value("SELECT count(*) FROM ljwx.evaluations WHERE scorecard IS NOT NULL") == 1


def test_a_base_that_thinks_without_end_is_refused_for_that_and_not_for_its_template(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    end = {"model": "x", "done": True, "prompt_eval_count": 900, "eval_count": 384}
    lines: list[dict[str, Any]] = [
        {"done_reason": "length", "message": {"role": "assistant", "content": "", "thinking": "嗯，看看"}},
        {"done_reason": "length", "message": {"role": "assistant", "content": "<think>嗯，看看"}},
    ]
    for line in lines:
        thought = {"route": "chat", "kind": "lines", "lines": [end | line]}
        server.play(thought, *[UNPLAYED] * COUNTS, *[thought] * 3)
        with pytest.raises(BuildFailed, match=r"\(cut_while_thinking\): it thinks for all of its 384 tokens"):
            tasks.run(verify_model, chain.plan, chain.built)
    (refusal, _) = chain_db.rows("SELECT reasons, checks FROM ljwx.promotions ORDER BY promotion_id")
    assert "template" not in refusal["reasons"][-1]["text"]
    assert refusal["checks"]["said"] == ["<think>嗯，看看</think>"] * 3


def test_a_base_that_keeps_to_the_schema_only_when_it_thinks_is_refused_with_the_way_out(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    tasks.variables["ljwx_training_config"] = settings(think=False)
    plan, built = build(tasks, server, THINKING, sandbox_parsed=True)
    with pytest.raises(BuildFailed, match=r"\(not_the_schema\): a server may hold .*; set evaluation\.think"):
        tasks.run(verify_model, plan, built)
    tasks.variables["ljwx_training_config"] = settings(think=True)
    assert tasks.run(verify_model, plan, built, again=True) == plan["model"]
