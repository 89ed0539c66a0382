"""A fifth task is one definition and one prompt text, and moves no hash of those who do not use it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ljwx.core.claims.check import unsupported_claims
from ljwx.core.datasets.build import Dataset
from ljwx.core.datasets.examples import choose_examples
from ljwx.core.datasets.exports import dataset_hash, jsonl_lines
from ljwx.core.datasets.spec import SampleSpec, load_spec
from ljwx.core.evaluations import Question, ScoredAnswer, answer_all, freeze, majority, moving_averages, score
from ljwx.core.prompts import load_prompts
from ljwx.core.tasks import DEFAULT_TASKS, TASKS, hashed_tasks
from ljwx.core.tasks.definition import SignalRule, TaskDefinition
from ljwx.exceptions import ConfigurationError
from ljwx.resources import included_below
from ljwx.services.asking.full import request_config
from ljwx.settings import load_settings, schema
from support_fifth_task import CLASSES, NAME, PROMPT, fifth_task

__all__ = ["fifth_task"]

PROMPTS_V1 = "7819fad433e3054e037417bd8e32f5e0ced017950c83e738abcc17f5f53934df"
SCHEMAS = "0e5f9238cdf6f65ae21f9f3caef0f122fd4d9c787d7e58c204e94c4c1387d534"
"""What version 0.1 covers with its four tasks."""
FIVE = (*DEFAULT_TASKS, NAME)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """The prompts, with the fifth task's among them."""
    text = tmp_path / f"{NAME}.txt"
    text.write_text(PROMPT, encoding="utf-8")
    return {**included_below("prompts"), f"v1/{NAME}.txt": text}


@pytest.fixture
def with_five(market: Any, fifth_task: TaskDefinition) -> Dataset:
    dataset: Dataset = market.build(tasks=FIVE)
    return dataset


def test_the_four_tasks_keep_their_samples_beside_a_fifth(built: Dataset, with_five: Dataset) -> None:
    theirs = set(with_five.index.filter(task=NAME)["sample_id"])
    assert len(theirs) > 100
    assert set(with_five.index["sample_id"]) - theirs == set(built.index["sample_id"])


def test_every_training_answer_of_the_fifth_is_valid_and_true(with_five: Dataset, fifth_task: TaskDefinition) -> None:
    rows = with_five.samples.filter(task=NAME)
    assert set(rows["label"]) == set(CLASSES)
    for text, label, snapshot in rows.select("answer", "label", "snapshot").iter_rows():
        assert fifth_task.label_of(fifth_task.parse(text)) == label
        assert unsupported_claims(text, snapshot) == ()
    numbers = with_five.fit.as_dict()
    assert numbers["shallow_to"] < numbers["deep_from"]
    assert {"volatility", "drawdown", "low", "high"} < set(numbers)


def test_a_task_that_needs_no_future_is_labelled_from_its_snapshot(
    market: Any, fifth_task: TaskDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = fifth_task.rule
    present = replace(
        fifth_task, name="drawdown_now", needs_future=False, fit=None,
        label=lambda spec, fitted: pl.col(rule.signal).replace_strict(dict(rule.says)),
    )  # fmt: skip
    monkeypatch.setitem(TASKS, present.name, present)
    samples = market.build(tasks=(present.name,)).samples
    assert present.is_copying
    assert not fifth_task.is_copying
    assert (samples["label_end"] == samples["session"]).all()
    for snapshot, label in samples.select("snapshot", "label").iter_rows():
        assert label == rule.says[json.loads(snapshot)["readings"][rule.signal]]


def test_its_question_is_asked_with_its_own_text(with_five: Dataset, files: dict[str, Path]) -> None:
    prompts = load_prompts(files, "v1", FIVE)
    asked = [line for line in jsonl_lines(with_five.blocks("test", prompts), prompts) if "最大回撤,深浅如何" in line]
    assert len(asked) == len(with_five.index.filter(task=NAME, split="test"))
    assert "未来5个交易日" in asked[0]


@pytest.mark.parametrize("used", [DEFAULT_TASKS, DEFAULT_TASKS[:1], DEFAULT_TASKS[2:], DEFAULT_TASKS[::-1]])
def test_prompts_keep_their_digest_whichever_of_the_four_are_used(
    used: tuple[str, ...], files: dict[str, Path], fifth_task: TaskDefinition
) -> None:
    assert load_prompts(files, "v1", used).sha256 == PROMPTS_V1


def test_prompts_have_another_digest_where_the_fifth_is_used(
    files: dict[str, Path], fifth_task: TaskDefinition
) -> None:
    assert load_prompts(files, "v1", FIVE).sha256 != PROMPTS_V1
    assert load_prompts(files, "v1", FIVE).sha256 != load_prompts(files, "v1", DEFAULT_TASKS).sha256


def test_a_dataset_without_the_fifth_has_the_hash_it_had(
    market: Any, built: Dataset, files: dict[str, Path], fifth_task: TaskDefinition
) -> None:
    before = dataset_hash(built.index, SampleSpec(), load_prompts(included_below("prompts"), "v1", DEFAULT_TASKS))
    assert dataset_hash(market.build().index, SampleSpec(), load_prompts(files, "v1", DEFAULT_TASKS)) == before


@pytest.mark.parametrize("used", [DEFAULT_TASKS, DEFAULT_TASKS[1:2]])
def test_evaluations_of_those_who_do_not_use_it_are_found_again(
    used: tuple[str, ...], fifth_task: TaskDefinition
) -> None:
    config = request_config(load_settings({"samples": {"tasks": list(used)}}))
    assert (config["prompts"], config["schemas"]) == (PROMPTS_V1, SCHEMAS)


def test_the_text_of_a_task_in_use_must_be_there_and_of_others_need_not(fifth_task: TaskDefinition) -> None:
    shipped = included_below("prompts")
    with pytest.raises(ConfigurationError, match=rf"there is no file 'v1/{NAME}\.txt'"):
        load_prompts(shipped, "v1", FIVE)
    first, *others = DEFAULT_TASKS
    few = {name: path for name, path in shipped.items() if not any(task in name for task in others)}
    assert list(load_prompts(few, "v1", [first]).instructions) == [first]


def test_its_questions_are_frozen_and_scored_beside_the_others(with_five: Dataset, fifth_task: TaskDefinition) -> None:
    rows = with_five.samples.filter(split="validation").to_dicts()
    fields = Question.__dataclass_fields__
    questions = freeze([Question(**{name: row[name] for name in fields}) for row in rows], 50, seed=1)
    assert [question.task for question in questions if question.task == NAME] == [NAME] * 10
    right = [ScoredAnswer(question.sample_id, True, question.label) for question in questions]
    card = score(questions, right)
    assert list(card.tasks) == list(FIVE)
    assert card.tasks[NAME].accuracy == 1
    assert card.tasks[NAME].rank_ic is None


def test_baselines_answer_its_questions_by_its_own_rule(with_five: Dataset, fifth_task: TaskDefinition) -> None:
    row = with_five.samples.filter(split="validation", task=NAME).row(0, named=True)
    question = Question(**{name: row[name] for name in Question.__dataclass_fields__})
    (ruled,) = answer_all(moving_averages({row["sample_id"]: {"drawdown": "较深", "ma": "交织"}}), [question])
    assert ruled.label == "deep"
    (most,) = answer_all(majority({NAME: {"shallow": 1, "middle": 7, "deep": 2}}), [question])
    assert (most.label, most.probabilities) == ("middle", {"shallow": 0.1, "middle": 0.7, "deep": 0.2})


def test_examples_are_chosen_of_it_too(with_five: Dataset, fifth_task: TaskDefinition) -> None:
    chosen = choose_examples(with_five.samples, 3, seed=3)
    assert chosen["task"].to_list() == [task for task in FIVE for _ in range(3)]
    assert set(chosen.filter(task=NAME)["label"]) == set(CLASSES)


def test_settings_take_its_name_only_while_it_is_registered(fifth_task: TaskDefinition) -> None:
    assert load_spec({"tasks": [NAME]}).tasks == (NAME,)
    assert schema()["$defs"]["SampleSpec"]["properties"]["tasks"]["items"]["enum"] == list(FIVE)
    del TASKS[NAME]
    with pytest.raises(
        ConfigurationError, match=rf"tasks\.0: '{NAME}' is no task; there are {', '.join(DEFAULT_TASKS)}$"
    ):
        load_spec({"tasks": [NAME]})


def test_the_default_stays_the_four_tasks(fifth_task: TaskDefinition) -> None:
    assert SampleSpec().tasks == DEFAULT_TASKS
    assert hashed_tasks(DEFAULT_TASKS) == hashed_tasks([]) == DEFAULT_TASKS
    assert hashed_tasks([NAME]) == FIVE


@pytest.mark.parametrize(
    "wrong",
    [
        {"rule": SignalRule("drawdown", {"较浅": "flat"})},
        {"direction": ("up", "down")},
        {"needs_future": False},
    ],
)
def test_a_definition_that_contradicts_itself_is_refused(wrong: dict[str, Any], fifth_task: TaskDefinition) -> None:
    with pytest.raises(ValueError, match=f"task {NAME}: "):
        TaskDefinition(**{**vars(fifth_task), **wrong})
