"""A third strategy costs what stands in this file and a line in the registry, and moves no name that there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ljwx.core.models import BuildSpec
from ljwx.core.prompts import example_messages
from ljwx.operators.ollama import OllamaOperator
from ljwx.stages.build.plan import plan_build
from ljwx.stages.build.verification import verify_model
from ljwx.strategies import STRATEGIES, BuildRequest, Description, Strategy
from support_chain import SMALL, Chain, Database
from support_ollama import OllamaServer
from support_tasks import TaskRunner


def recipe(request: BuildRequest) -> BuildSpec:
    """Show the sample with the longest answer, whatever its task."""
    train = request.warehouse.dataset_samples(request.dataset_id, "train")
    sample = train.sort(train["answer"].str.len_chars(), train["sample_id"]).row(-1, named=True)
    messages = example_messages([(sample["task"], sample["snapshot"], sample["answer"])], request.prompts)
    return request.spec(examples=(sample["sample_id"],), messages=messages)


LONGEST = Strategy(
    describes=Description("the longest answer in front", "最长的回答", "The longest answer in front."),
    changes_weights=False,
    shows_examples=True,
    recipe=recipe,
)


@pytest.fixture
def third(monkeypatch: pytest.MonkeyPatch, tasks: TaskRunner) -> None:
    """The strategy `longest` in the registry, and chosen by the settings."""
    monkeypatch.setitem(STRATEGIES, "longest", LONGEST)
    tasks.variables["ljwx_training_config"] = SMALL | {"model": SMALL["model"] | {"strategy": "longest"}}


def test_a_new_strategy_goes_through_plan_build_and_verification(
    chain_db: Database, chain: Chain, tasks: TaskRunner, third: None, ollama_faulty: OllamaServer
) -> None:
    plan = tasks.run(plan_build)
    spec = BuildSpec.model_validate_json(Path(plan["spec_path"]).read_text(encoding="utf-8"))
    (longest,) = chain_db.column(
        "SELECT sample_id FROM ljwx.samples JOIN ljwx.dataset_samples USING (sample_id) WHERE dataset_id = %s "
        "AND split = 'train' ORDER BY length(answer::text) DESC, sample_id DESC LIMIT 1", chain.dataset_id,
    )  # fmt: skip
    assert (spec.strategy, spec.examples, len(spec.messages)) == ("longest", (longest,), 2)
    try:
        built = OllamaOperator(task_id="build", model=plan["model"], spec_path=plan["spec_path"]).execute({})
        assert tasks.run(verify_model, plan, built) == plan["model"] != chain.plan["model"]
    finally:
        ollama_faulty.delete(plan["model"])
        Path(plan["spec_path"]).unlink()
    (row,) = chain_db.rows("SELECT strategy, verified FROM ljwx.models WHERE model = %s", plan["model"])
    assert (row["strategy"], row["verified"]["examples_from_train"]) == ("longest", 1)


def test_a_new_strategy_moves_no_name_that_there_is(
    chain_db: Database, chain: Chain, tasks: TaskRunner, third: None
) -> None:
    tasks.variables["ljwx_training_config"] = SMALL
    plan: dict[str, Any] = tasks.run(plan_build)
    assert plan == chain.plan
