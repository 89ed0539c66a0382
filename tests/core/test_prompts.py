"""Prompts: every version in the repository renders, questions equal training text, and wrong files are named."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from ljwx.core.datasets.build import Dataset
from ljwx.core.datasets.exports import jsonl_lines
from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.features import GROUPS, compute
from ljwx.core.features.technical.signals import STATES
from ljwx.core.prompts import Prompts, example_messages, facts_of, instruction_and_facts, load_prompts, question
from ljwx.core.snapshots.citable import LEVELS, citable_template
from ljwx.core.snapshots.facts import facts_of_market
from ljwx.core.snapshots.snapshot import filled, masked, profiled, rendered
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
    word = prompts.facts.words.get(("readings", "rsi"), {}).get(facts["readings"]["rsi"], facts["readings"]["rsi"])
    assert f"{facts['features']['rsi_14']} {word}" in user["content"]
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


FROZEN = {
    "v1": "184126b2345de8589e760d4fd549671207bf0fba1a7d7c243fef1f4b1bd74125",
    "v2": "a9ebb5851dc4821780dd090e2e46e154a1a1291c13613d9d1b30ff7665cfb0f5",
    "v3": "ea8e6cffd055659ba90825d542f0fcc1637bbecf42733057f319d81435790168",
    "v4": "6555b5e12617c39090ee191fd73536f7c6390fc826cbc3ec8545aecd230772aa",
}
"""Of every file of a version; a model was trained on them, and is asked with them."""
LINES = {
    "technical": "277b419b11ad7b536f59e3a018bb41203018f54fbec6d0c87d27f0ae4947a852",
    "levels": "baeab33bc6e593f2769f84389556e8f825eba0cf9651fb3800298508e2cf5b81",
    "valuation": "2dd0b4204e62586e12bae5499beb5e281ee31c8561ee9edfdac55e73f65b2bbd",
    "money_flow": "92a2595609fee9f61c66e8cda40f32c813dfa8fc0465e7d4e143786c019597ea",
    "fundamentals": "92ea3688bfe429643ffe0d60182bc34bf67c636f40dffe54ed88a447ae3b4eca",
    "market": "e4dcbddd9285b1efebde1990399d53cc608f966b7276087d1cb3d3d598e8b629",
    "index": "548573e989e3065e13b813faa95c4303cdbd2b9afd0608c0fa20938e24b220c7",
}
"""Of the lines that v2 tells of a group."""


@pytest.mark.parametrize("version", FROZEN)
def test_a_frozen_version_stays_to_the_byte(version: str) -> None:
    digest = hashlib.sha256()
    for name in sorted(each for each in FILES if each.startswith(f"{version}/")):
        digest.update(name.encode() + b"\0" + FILES[name].read_bytes() + b"\0")
    assert digest.hexdigest() == FROZEN[version]
    assert load_prompts(FILES, version, TASKS).is_frozen


@pytest.mark.parametrize("name", LINES)
def test_the_lines_of_a_group_stay_with_the_frozen_version(name: str) -> None:
    lines = {"levels": LEVELS, **{group.name: group.citable for group in GROUPS}}
    assert set(lines) == set(LINES), "a new group has its lines here"
    assert hashlib.sha256(citable_template(lines[name]).encode()).hexdigest() == LINES[name]


def test_the_second_version_joins_the_lines_of_one_kind() -> None:
    second = load_prompts(FILES, "v2", TASKS, GROUPS)
    kinds = dict.fromkeys(each.kind for each in second.citable)
    assert len(second.facts.text.splitlines()) == 1 + len(kinds)


def test_the_third_version_says_what_the_second_does_and_gives_the_facts_first(built: Dataset) -> None:
    second, third = (load_prompts(FILES, version, TASKS) for version in ("v2", "v3"))
    snapshot = built.samples["snapshot"][0]
    alike = set()
    for task in TASKS:
        two, three = (question(task, snapshot, prompts)[-1]["content"] for prompts in (second, third))
        instruction, facts = instruction_and_facts(task, snapshot, third)
        assert two == f"{instruction}\n{facts}"
        assert three == f"{facts}\n{instruction}"
        alike.add(three.removesuffix(instruction))
    assert len(alike) == 1, "all tasks begin alike"
    assert third.sha256 != second.sha256
    assert third.in_order("?", "") == ("?", "")


def test_the_fourth_version_tells_states_in_the_words_of_the_classes(built: Dataset) -> None:
    third, fourth = (load_prompts(FILES, version, TASKS) for version in ("v3", "v4"))
    for snapshot in built.samples["snapshot"].unique().sort().head(40):
        facts = json.loads(snapshot)
        _, told = instruction_and_facts("technical_analysis", snapshot, fourth)
        assert told.splitlines()[0] == f"{facts['ts_code']} {facts['session']} {facts['limit']}", (
            "and no company's name"
        )
        words = told.split()
        said = {signal.name: words[words.index(signal.name) + 1 + (signal.name != "ma")] for signal in STATES}
        votes = {s.name: next(v.vote for v in s.states if v.word == facts["readings"][s.name]) for s in STATES}
        assert said == {name: {1: "bullish", 0: "neutral", -1: "bearish"}[vote] for name, vote in votes.items()}
        assert words[words.index("volatility") + 2] in ("low", "medium", "high")
        assert words[words.index("ret5") + 2] in ("up", "flat", "down")
        others = told.partition("\n")[2].replace("无", "")
        assert others.isascii(), "one language"
    assert fourth.citable == third.citable, "what answers may cite is the same"


def test_the_facts_are_told_alike_from_columns_and_from_the_snapshot(market: Any) -> None:
    template = Template.parse("{readings.rsi} {levels.support}", "v9/facts.txt", {("readings", "rsi"): {"偏强": "up"}})
    facts = {"readings": {"rsi": "偏强"}, "levels": {"support": None}}
    assert template.fill(facts) == "up 无"
    assert template.fill({**facts, "readings": {"rsi": "偏弱"}}) == "偏弱 无", "what has no other word stays"
    fourth, spec = load_prompts(FILES, "v4", TASKS), SampleSpec()
    rows = profiled(facts_of_market(market.bars, compute(market.bars), spec), spec, None, None).filter("complete")
    told = rendered(rows, spec).with_columns(text=filled(fourth.facts, spec))
    assert len(told) > 500
    for snapshot, text in told.select("snapshot", "text").iter_rows():
        assert fourth.facts.fill(facts_of(snapshot)) == text


def test_a_version_is_known_by_its_texts_its_form_and_the_groups_it_tells(two_groups: Any, tmp_path: Path) -> None:
    second = load_prompts(FILES, "v2", TASKS)
    assert load_prompts(FILES, "v2", TASKS, two_groups[:1]).sha256 == second.sha256
    assert load_prompts(FILES, "v2", TASKS, two_groups).sha256 != second.sha256
    form = tmp_path / "form.json"
    form.write_text('{"answers": "cited", "abstention_share": 0.05, "frozen": false}')
    changed = load_prompts({**FILES, "v2/form.json": form}, "v2", TASKS)
    assert (changed.abstention_share, changed.is_frozen, second.is_frozen) == (0.05, False, True)
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
