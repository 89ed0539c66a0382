"""Prompts: every version in the repository renders, questions equal training text, and wrong files are named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ljwx.core.datasets.build import Dataset
from ljwx.core.datasets.exports import jsonl_lines
from ljwx.core.prompts import Prompts, example_messages, load_prompts, question
from ljwx.core.snapshots.snapshot import masked
from ljwx.core.tasks import TASKS
from ljwx.core.templates import Template
from ljwx.exceptions import ConfigurationError
from ljwx.resources import included_below

FILES = included_below("prompts")


@pytest.mark.parametrize("version", sorted({name.split("/")[0] for name in FILES}))
@pytest.mark.parametrize("task", TASKS)
def test_every_version_renders_every_task(version: str, task: Any, built: Dataset) -> None:
    prompts = load_prompts(FILES, version, TASKS)
    snapshot = built.samples["snapshot"][0]
    system, user = question(task, snapshot, prompts)
    facts = json.loads(snapshot)
    assert "不构成投资建议" in system["content"]
    assert facts["ts_code"] in user["content"]
    assert f"{facts['features']['rsi_14']} {facts['readings']['rsi']}" in user["content"]
    assert "{" not in user["content"]


def test_question_is_byte_for_byte_the_training_prompt(built: Dataset, prompts: Prompts) -> None:
    train = built.samples.filter(split="train").sort("session", "ts_code", "task").head(40)
    for line, row in zip(jsonl_lines(train, prompts), train.to_dicts(), strict=True):
        *asked, answered = json.loads(line)["messages"]
        assert tuple(asked) == question(row["task"], row["snapshot"], prompts)
        assert answered == {"role": "assistant", "content": row["answer"]}


def test_masked_question_names_no_stock(built: Dataset, prompts: Prompts) -> None:
    row = built.samples.row(0, named=True)
    (user,) = question("price_direction", masked(row["snapshot"]), prompts, system=False)
    assert row["ts_code"] not in user["content"]
    assert str(row["session"]) not in user["content"]


def test_example_messages_alternate_user_and_assistant(built: Dataset, prompts: Prompts) -> None:
    rows = list(built.samples.head(3).select("task", "snapshot", "answer").iter_rows())
    messages = example_messages(rows, prompts)
    assert [m["role"] for m in messages] == ["user", "assistant"] * 3
    assert [m["content"] for m in messages[1::2]] == [answer for _, _, answer in rows]


def test_prompt_fits_its_token_budget_in_characters(built: Dataset, prompts: Prompts) -> None:
    longest = max(
        len(question(t, s, prompts)[1]["content"]) for t, s in built.samples.select("task", "snapshot").iter_rows()
    )
    assert longest <= 300
    assert max(map(len, built.samples["answer"])) <= 240


def test_the_second_version_takes_fewer_signs_than_the_first(built: Dataset, prompts: Prompts) -> None:
    """Tokens are counted by hand, with the sandbox's model: docs/explanation.md."""
    second, snapshot = load_prompts(FILES, "v2", TASKS), built.samples["snapshot"][0]
    for task in TASKS:
        one, two = (question(task, snapshot, each, system=False)[0]["content"] for each in (prompts, second))
        assert len(two.encode()) < len(one.encode())


def test_a_version_is_known_by_its_texts_its_form_and_the_groups_it_tells(two_groups: Any, tmp_path: Path) -> None:
    second = load_prompts(FILES, "v2", TASKS)
    assert load_prompts(FILES, "v2", TASKS, two_groups[:1]).sha256 == second.sha256
    assert load_prompts(FILES, "v2", TASKS, two_groups).sha256 != second.sha256
    form = tmp_path / "form.json"
    form.write_text('{"answers": "cited", "abstention_share": 0.05, "frozen": true}')
    changed = load_prompts({**FILES, "v2/form.json": form}, "v2", TASKS)
    assert (changed.abstention_share, changed.is_frozen, second.is_frozen) == (0.05, True, False)
    assert changed.sha256 != second.sha256
    assert load_prompts(FILES, "v1", TASKS, two_groups).sha256 == load_prompts(FILES, "v1", TASKS).sha256


@pytest.mark.parametrize(
    ("text", "why"),
    [("{", "the file: Invalid JSON"), ('{"answers": "loud"}', "answers: Input should be"), ('{"x": 1}', "x: Extra")],
)
def test_a_wrong_form_is_named(text: str, why: str, tmp_path: Path) -> None:
    form = tmp_path / "form.json"
    form.write_text(text)
    with pytest.raises(ConfigurationError, match=rf"prompt v2/form\.json: {why}"):
        load_prompts({**FILES, "v2/form.json": form}, "v2", TASKS)


def test_unknown_version_is_named_beside_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no version 'v9'; there is v7"):
        load_prompts({"v7/system.txt": tmp_path / "any.txt"}, "v9", TASKS)


@pytest.mark.parametrize("version", ["..", ".", "v1/../v1"])
def test_version_cannot_leave_its_folder(version: str) -> None:
    with pytest.raises(ConfigurationError, match="no version"):
        load_prompts(FILES, version, TASKS)


def test_missing_file_is_named(tmp_path: Path) -> None:
    others = {name: path for name, path in FILES.items() if name != "v1/system.txt"}
    with pytest.raises(ConfigurationError, match=r"prompt_version v1: there is no file 'v1/system\.txt'"):
        load_prompts(others, "v1", TASKS)


@pytest.mark.parametrize("text", ["{", "}", "{}", "{a!r}", "{a:.2f}"])
def test_wrong_template_is_named(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"prompt v1/facts\.txt"):
        Template.parse(text, "v1/facts.txt")


def test_place_that_the_snapshot_lacks_is_named() -> None:
    with pytest.raises(ConfigurationError, match="'beta'"):
        Template.parse("{features.beta}", "x").fill({"features": {}})


def test_percent_signs_and_missing_levels_are_told() -> None:
    assert Template.parse("涨 {a.b}% {c}", "x").fill({"a": {"b": "1.50"}, "c": None}) == "涨 1.50% 无"
