"""The strategy `fewshot`: which examples are taken, and how many."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ljwx.core.models import BuildSpec
from ljwx.core.prompts import load_prompts, question
from ljwx.exceptions import BuildFailed, ConfigurationError, OllamaUnreachable
from ljwx.hooks.ollama import OllamaHook
from ljwx.operators.ollama import OllamaOperator
from ljwx.resources import included_below
from ljwx.services.audit import audit
from ljwx.stages.build.plan import plan_build
from ljwx.strategies.fewshot.examples import most_that_fit
from support_chain import SMALL, Chain, Database
from support_ollama import BASE, OllamaServer
from support_tasks import TaskRunner


@pytest.fixture(autouse=True)
def _own_specs(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave no spec in the folder that others audit."""
    yield
    if "chain" in request.fixturenames:
        chain: Chain = request.getfixturevalue("chain")
        for path in (chain.data / "specs").glob("*.json"):
            if str(path) != chain.plan["spec_path"]:
                path.unlink()


FEWSHOT: dict[str, Any] = SMALL | {"model": SMALL["model"] | {"strategy": "fewshot"}}


LONGEST = (500, 510, 490, 480)
"""Tokens of the longest question of each task."""


COUNTED: dict[str, Any] = {
    "model": "x", "done": True, "done_reason": "length", "eval_count": 1, "message": {"content": ""},
}  # fmt: skip


def count_next(server: OllamaServer, *tokens: int) -> None:
    """Let the server count these tokens for the next prompts, without computing them."""
    server.play(*({"route": "chat", "kind": "lines", "lines": [COUNTED | {"prompt_eval_count": n}]} for n in tokens))


def test_few_shot_examples_are_answers_of_the_train_split_one_of_each_task(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer
) -> None:
    tasks.variables["ljwx_training_config"] = FEWSHOT
    count_next(ollama_faulty, *LONGEST, 3000)
    plan = tasks.run(plan_build)
    assert plan["model"] != chain.plan["model"]
    spec = BuildSpec.model_validate_json(Path(plan["spec_path"]).read_text(encoding="utf-8"))
    answers = [message.content for message in spec.messages if message.role == "assistant"]
    found = {
        row.pop("sample_id"): row
        for row in chain_db.rows(
            "SELECT sample_id, task, split, answer::text FROM ljwx.samples JOIN ljwx.dataset_samples USING (sample_id) "
            "WHERE dataset_id = %s AND sample_id = ANY(%s)", chain.dataset_id, list(spec.examples),
        )
    }  # fmt: skip
    assert [found[sample] for sample in spec.examples] == [
        {"task": task, "split": "train", "answer": answer}
        for task, answer in zip(
            ("investment_advice", "risk_assessment", "price_direction", "technical_analysis"), answers, strict=True
        )
    ]


COUNTER, NAME = "ljwx-stock-token-count:latest", "ljwx-stock:costly"
COSTLY = (
    "{{- range .Messages }}<|im_start|>{{ .Role }} " + "word " * 40 + "\n{{ .Content }}<|im_end|>\n"
    "{{ end }}<|im_start|>assistant\n"
)
"""ChatML with some forty tokens more for each message."""


def test_examples_are_counted_with_the_template_that_the_model_will_have(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer
) -> None:
    def planned(**more: Any) -> tuple[str, BuildSpec]:
        chosen = {"strategy": "fewshot", "examples_per_task": 2, "parameters": {"num_ctx": 1600}, **more}
        path = tasks.run(plan_build, params={"model": chosen})["spec_path"]
        return path, BuildSpec.model_validate_json(Path(path).read_text(encoding="utf-8"))

    def tags() -> set[str]:
        return {tag["name"] for tag in ollama_faulty.get("tags")["models"]}

    chain_db.execute(  # one task has a quarter of the tokens to read
        "DELETE FROM ljwx.dataset_samples USING ljwx.samples "
        "WHERE samples.sample_id = dataset_samples.sample_id AND task <> 'price_direction'"
    )
    before = tags()
    ollama_faulty.fail_next("create", "status", message="must not be asked")
    _, plain = planned()
    ollama_faulty.clear_faults()
    assert ollama_faulty.post("copy", {"source": BASE, "destination": COUNTER}).ok  # as a killed plan leaves one
    assert COUNTER in {orphan.name for orphan in audit()}
    path, costly = planned(template=COSTLY)
    assert (len(plain.examples), len(costly.examples)) == (2, 1)
    assert tags() == before
    OllamaOperator(task_id="build", model=NAME, spec_path=path).execute({})
    (longest,) = chain_db.rows(
        "SELECT task, snapshot::text AS snapshot FROM ljwx.samples JOIN ljwx.dataset_samples USING (sample_id) "
        "WHERE split = 'validation' ORDER BY length(snapshot::text) DESC LIMIT 1"
    )
    prompts = load_prompts(included_below("prompts"), "v1", [longest["task"]])
    asked = question(longest["task"], longest["snapshot"], prompts, system=False)
    told = OllamaHook().chat(NAME, list(asked), options={"num_predict": 1}).prompt_eval_count
    ollama_faulty.delete(NAME)
    assert told is not None
    assert 1600 - 700 < told + 384 <= 1600, "it fits, and one more would not"
    ollama_faulty.fail_next("chat", "hang_up")
    with pytest.raises(OllamaUnreachable):
        planned(template=COSTLY)
    assert tags() == before, "it is deleted whatever happens"
    ollama_faulty.play(
        {"route": "create", "kind": "error_line", "message": "disk full"}, {"route": "delete", "kind": "hang_up"}
    )
    with pytest.raises(BuildFailed, match="disk full"):
        planned(template=COSTLY)


@pytest.mark.parametrize("split", ["train", "validation"])
def test_few_shot_examples_need_both_splits(chain_db: Database, chain: Chain, tasks: TaskRunner, split: str) -> None:
    tasks.variables["ljwx_training_config"] = FEWSHOT
    chain_db.execute("DELETE FROM ljwx.dataset_samples WHERE split = %s", split)
    with pytest.raises(ConfigurationError, match=f"dataset {chain.dataset_id} has no {split} samples"):
        tasks.run(plan_build)


@pytest.mark.parametrize("limit", [4, 5, 7, 8, 9, 31, 32, 33, 79, 80])
def test_the_largest_count_that_fits_is_found_without_asking_for_each(limit: int) -> None:
    asked: list[int] = []

    def problem(count: int) -> str | None:
        asked.append(count)
        return "too many" if count > limit else None

    assert most_that_fit(problem, 4, 80) == limit
    assert len(asked) <= 10


def test_without_a_cap_as_many_examples_are_taken_as_fit_the_context(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer
) -> None:
    """An answer of 384 tokens and 32 spare ones go behind the prompt."""

    def planned(num_ctx: int) -> BuildSpec:
        chosen = {"strategy": "fewshot", "examples_per_task": None, "parameters": {"num_ctx": num_ctx}}
        plan = tasks.run(plan_build, params={"model": chosen})
        return BuildSpec.model_validate_json(Path(plan["spec_path"]).read_text(encoding="utf-8"))

    four, eight, six, seven = 3000, 5100, 4100, 4585
    count_next(ollama_faulty, *LONGEST, four, eight, six, seven)
    spec = planned(5000)
    assert 2 * len(spec.examples) == len(spec.messages) == 12
    shown = chain_db.column(
        "SELECT count(*) FROM ljwx.samples WHERE sample_id = ANY(%s) GROUP BY task", list(spec.examples)
    )
    assert sorted(shown) == [1, 1, 2, 2]
    count_next(ollama_faulty, *LONGEST, four, eight, six, seven - 1)
    assert len(planned(5000).examples) == 7
    count_next(ollama_faulty, *LONGEST, 609)
    with pytest.raises(ConfigurationError, match=r"num_ctx of .*: not one example a task fits"):
        planned(1024)


@pytest.mark.parametrize("template", [None, COSTLY])
def test_examples_fit_the_context_that_the_server_has_in_force_not_what_was_asked_for(
    chain_db: Database,
    chain: Chain,
    tasks: TaskRunner,
    ollama_faulty: OllamaServer,
    caplog: pytest.LogCaptureFixture,
    template: str | None,
) -> None:
    """The base's weights take 8,192; another model of the same weights is loaded, and is what the server lists."""
    ollama_faulty.post(
        "create", {"model": "first:1b", "from": BASE, "parameters": {"num_ctx": 8192}}
    ).raise_for_status()
    chosen = {
        "strategy": "fewshot",
        "examples_per_task": None,
        "parameters": {"num_ctx": 100_000},
        "template": template,
    }
    try:
        OllamaHook().load("first:1b")
        five, four, eight, six = 7776, 4000, 9000, 7777
        count_next(ollama_faulty, *LONGEST, four, eight, six, five)
        with caplog.at_level("WARNING", "ljwx"):
            plan = tasks.run(plan_build, params={"model": chosen})
    finally:
        ollama_faulty.delete("first:1b")
    spec = BuildSpec.model_validate_json(Path(plan["spec_path"]).read_text(encoding="utf-8"))
    assert len(spec.examples) == 5, "7,776 tokens, 32 to spare and an answer of 384 are 8,192"
    assert spec.parameters["num_ctx"] == 100_000
    assert f"The server takes 8192 tokens of {BASE}, where num_ctx is 100000" in caplog.messages


def test_the_choice_says_what_it_counts_while_it_counts(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer, caplog: pytest.LogCaptureFixture
) -> None:
    tasks.variables["ljwx_training_config"] = FEWSHOT
    count_next(ollama_faulty, *LONGEST, 3000)
    with caplog.at_level("INFO", "ljwx"):
        tasks.run(plan_build)
    lines = [line for line in caplog.messages if "xamples" in line or "Counting" in line]
    assert lines == [
        *[f"Counting the tokens of a task's longest question with {BASE}: {at} of 4" for at in (1, 2, 3, 4)],
        "Counting the tokens of 4 examples, of 4 candidates",
        "4 examples, of 4 candidates",
    ]


def test_a_server_of_older_ways_is_not_believed(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer
) -> None:
    """It cuts what is too long and counts what it computes anew: any number of examples would seem to fit."""
    older = {"model": "older:1b", "from": BASE, "parameters": {"sandbox_older": True}, "stream": False}
    assert ollama_faulty.post("create", older).ok
    chosen = {"base": "older:1b", "strategy": "fewshot", "examples_per_task": None, "parameters": {"num_ctx": 4096}}
    try:
        with pytest.raises(ConfigurationError, match="does not say how many tokens a prompt of older:1b has") as told:
            tasks.run(plan_build, params={"model": chosen})
    finally:
        ollama_faulty.delete("older:1b")
    assert "take a newer Ollama" in str(told.value)
    assert len(str(told.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ([*LONGEST, 3000, 130, 130, 2050], f"cuts a prompt that is too long for {BASE} instead of refusing it"),
        ([*LONGEST, 3000, 130, 129], f"counts the same 64 digits with {BASE} as 130 tokens and as 129"),
        ([*LONGEST, 3000, 1, 1], f"counts the same 64 digits with {BASE} as 1 tokens and as 1"),
        ([*LONGEST, None], f"does not say how many tokens a prompt of {BASE} has"),
        ([0], f"does not say how many tokens a prompt of {BASE} has"),
    ],
)
def test_a_count_that_cannot_be_believed_plans_nothing(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer, counts: list[int], says: str
) -> None:
    tasks.variables["ljwx_training_config"] = FEWSHOT
    count_next(ollama_faulty, *counts)
    specs = set((chain.data / "specs").iterdir())
    with pytest.raises(ConfigurationError, match=says):
        tasks.run(plan_build)
    assert set((chain.data / "specs").iterdir()) == specs
