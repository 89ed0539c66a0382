"""Answers that cite facts by key: what is asked for, read and refused, and that they can say nothing wrong."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from ljwx.core.claims.check import check
from ljwx.core.datasets.build import Dataset
from ljwx.core.evaluations import class_probabilities, count_claims
from ljwx.core.features import FeatureGroup
from ljwx.core.prompts import Expected, Prompts, expected, load_prompts, question
from ljwx.core.snapshots.citable import citable_in, cited, sentence
from ljwx.core.tasks import TASKS
from ljwx.core.tasks.forms import FORMS
from ljwx.core.tasks.spoken import spoken
from ljwx.resources import included_below

KEYS = [
    "ret1", "ret5", "ret20", "rank5", "rank20", "volume", "rsi", "macd", "ma", "ma5", "ma20", "ma60", "boll", "kdj",
    "trend", "volatility", "rank_vol", "drawdown", "range", "support", "resistance",
]  # fmt: skip
GOOD = {"direction": "up", "facts": ["ret5", "rsi", "drawdown"]}


@pytest.fixture(scope="module")
def second() -> Prompts:
    return load_prompts(included_below("prompts"), "v2", TASKS)


@pytest.fixture(scope="module")
def citing(market: Any) -> Dataset:
    dataset: Dataset = market.build(form=FORMS["cited"], prompt_version="v2")
    return dataset


@pytest.fixture(scope="module")
def snapshot(built: Dataset) -> str:
    return next(text for text in built.samples["snapshot"] if "null" not in text)


def answers(built: Dataset, prompts: Prompts, task: str) -> Any:
    for text, label, snapshot in built.samples.filter(task=task).select("answer", "label", "snapshot").iter_rows():
        yield text, label, snapshot, expected(task, snapshot, prompts)


@pytest.mark.parametrize("task", TASKS)
def test_every_training_answer_is_valid_of_its_label_and_short(task: str, citing: Dataset, second: Prompts) -> None:
    kinds = Counter[int]()
    for text, label, snapshot, wanted in answers(citing, second, task):
        read = wanted.read(text)
        assert read.label == label
        jsonschema.Draft202012Validator(wanted.schema()).validate(json.loads(text))
        assert count_claims(text, snapshot).right == len(read.fields["facts"])
        assert check(text, snapshot).unsupported == check(text, snapshot).unchecked == ()
        assert len(text) <= 70
        kinds.update([len(read.fields["facts"])])
    assert list(kinds) == [3], "one of each kind"


@pytest.mark.parametrize("task", ["investment_advice", "price_direction", "technical_analysis"])
def test_what_a_training_answer_cites_speaks_for_its_class_where_anything_does(
    task: str, citing: Dataset, second: Prompts
) -> None:
    bullish, _, bearish = TASKS[task].classes
    moved = {bullish: 0, bearish: 0}
    for text, label, snapshot, _ in answers(citing, second, task):
        returns = [json.loads(snapshot)["features"][f"ret_{n}"] for n in (1, 5, 20)]
        said = json.loads(text)["facts"][0]
        if label == bullish and max(returns) > 1:
            assert json.loads(snapshot)["features"][f"ret_{said.removeprefix('ret')}"] > 1
            moved[label] += 1
        if label == bearish and min(returns) < -1:
            assert json.loads(snapshot)["features"][f"ret_{said.removeprefix('ret')}"] < -1
            moved[label] += 1
    assert min(moved.values()) > 20


def test_the_class_comes_first_and_its_token_decides(snapshot: str, second: Prompts) -> None:
    class Token:
        def __init__(self, token: str, *alternatives: tuple[str, float]) -> None:
            self.token, self.logprob, self.alternatives = token, -0.5, alternatives

    schema = expected("price_direction", snapshot, second).schema()
    assert list(schema["properties"]) == schema["required"] == ["direction", "facts"]
    shares = class_probabilities(
        "price_direction",
        "direction",
        [Token('{"direction":"'), Token("up", ("up", -0.5), ("down", -1.5), ("flat", -2.5)), Token('"')],
    )
    assert shares is not None
    assert shares["up"] > shares["down"] > shares["flat"] > 0


def test_the_schema_lists_the_keys_of_the_prompt_and_no_key_twice(snapshot: str, second: Prompts) -> None:
    schema = expected("price_direction", snapshot, second).schema()
    facts = schema["properties"]["facts"]
    listed = [key for place in facts["prefixItems"] for key in place["enum"]]
    assert listed == KEYS
    assert facts["minItems"] == facts["maxItems"] == len(facts["prefixItems"]) == 3
    asked = question("price_direction", snapshot, second)[1]["content"]
    told = [[key for key in line.split() if key in KEYS] for line in asked.splitlines()[2:]]
    assert told == [place["enum"] for place in facts["prefixItems"]], "one line is what one place is chosen from"


def test_a_level_that_is_not_there_cannot_be_cited(snapshot: str, second: Prompts) -> None:
    facts = json.loads(snapshot)
    facts["levels"]["support"] = None
    wanted = expected("price_direction", json.dumps(facts), second)
    assert '"support"' not in json.dumps(wanted.schema())
    with pytest.raises(ValueError, match="do not have"):
        wanted.read('{"direction":"up","facts":["support"]}')


def test_two_facts_with_one_key_are_refused(two_groups: tuple[FeatureGroup, ...]) -> None:
    technical, auction = two_groups
    twice = replace(auction, chosen=(replace(auction.citable[0], key="rsi"),))
    assert [each.key for each in citable_in(two_groups)] == [*KEYS, "gap_1"]
    with pytest.raises(ValueError, match="two facts have one key: rsi"):
        citable_in((technical, twice))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"direction": "sideways"}, "no class"),
        ({"direction": None}, "no class"),
        ({"direction": ["up"]}, "no class"),
        ({"facts": []}, "no list of keys"),
        ({"facts": "rsi"}, "no list of keys"),
        ({"facts": [["rsi"]]}, "no list of keys"),
        ({"facts": [53.2]}, "no list of keys"),
        ({"facts": ["rsi", "macd", "rsi"]}, "twice"),
        ({"facts": ["pe_ttm"]}, "do not have"),
        ({"facts": ["RSI"]}, "do not have"),
        ({"comment": "稳赚"}, "two fields"),
    ],
)
def test_wrong_answer_is_refused(change: dict[str, Any], why: str, snapshot: str, second: Prompts) -> None:
    wanted = expected("price_direction", snapshot, second)
    assert wanted.read(json.dumps(GOOD)).label == "up"
    with pytest.raises(ValueError, match=why):
        wanted.read(json.dumps(GOOD | change))


@pytest.mark.parametrize(
    "text", ["", "up", "[]", "null", '{"direction":"up"}', '{"direction":"up","direction":"down"}']
)
def test_what_is_not_the_object_is_refused(text: str, snapshot: str, second: Prompts) -> None:
    with pytest.raises(ValueError, match=r"Expecting|Invalid|two fields|twice"):
        expected("price_direction", snapshot, second).read(text)


def test_the_order_and_the_number_of_keys_are_free_to_read(snapshot: str, second: Prompts) -> None:
    wanted = expected("technical_analysis", snapshot, second)
    said = ["support", "kdj", "rsi", "resistance"]
    assert wanted.read(json.dumps({"conclusion": "neutral", "facts": said})).fields["facts"] == said


def test_every_sentence_holds_what_the_snapshot_holds(built: Dataset) -> None:
    """Held to the reader of prose, which was written without these sentences."""
    seen = set()
    for text in built.samples["snapshot"].unique(maintain_order=True)[:60]:
        facts = json.loads(text)
        for key, line in cited(facts).items():
            chinese = check({"analysis": sentence(line, facts, "zh")}, facts)
            english = check({"analysis": re.sub(r" \(.*", "", sentence(line, facts, "en"))}, facts)
            assert chinese.claims, key
            assert chinese.unsupported == chinese.unchecked == english.unsupported == (), sentence(line, facts, "zh")
            seen.add(key)
    assert seen == set(KEYS)


FACTS = {
    "features": {"ret_5": -3.2, "rsi_14": 75.3, "drawdown_60": -8.3, "vol_20": 1.76, "macd_hist": 0.07, "ma_5": 0.0},
    "ranks": {}, "range": {"low": -4, "high": 4}, "levels": {"support": -2.0, "resistance": None},
    "readings": {"rsi": "偏强", "drawdown": "中等", "volatility": "适中", "macd": "金叉"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "chinese", "english"),
    [
        ("ret5", "5日跌3.2%", "5-day return -3.2%"),
        ("rsi", "RSI14为75.3,RSI偏强", "RSI14 75.3 (rsi strong)"),
        ("drawdown", "60日回撤为8.3%,回撤中等", "60-day drawdown 8.3% (drawdown medium)"),
        ("macd", "MACD为0.07%,MACD金叉", "MACD 0.07% (macd golden cross)"),
        ("ma5", "MA5为0.0%", "MA5 0.0%"),
        ("range", "区间为-4%~4%", "expected range -4% to 4%"),
        ("support", "支撑在收盘价下方2.0%", "support 2.0% below the close"),
    ],
)
def test_sentences_read_as_people_write(key: str, chinese: str, english: str, second: Prompts) -> None:
    line = {line.key: line for line in second.citable}[key]
    assert (sentence(line, FACTS, "zh"), sentence(line, FACTS, "en")) == (chinese, english)


def test_an_answer_is_told_with_its_facts_and_what_its_task_tells_in_any_case(snapshot: str) -> None:
    facts = json.loads(snapshot)
    low, move = facts["range"]["low"], facts["features"]["ret_5"]
    told = spoken(TASKS["price_direction"], GOOD, facts)
    assert told.zh.startswith(f"看涨。依据:5日{'跌' if move < 0 else '涨'}{abs(move)}%;RSI14为")
    assert told.zh.endswith(f"另:区间为{low}%~{-low}%。")
    assert told.en.startswith(f"Up, because of 5-day return {move}%; RSI14 ")
    assert told.en.endswith(f"Also: expected range {low}% to {-low}%.")


def test_a_technical_answer_tells_all_five_states_and_both_levels(snapshot: str) -> None:
    facts = json.loads(snapshot)
    told = spoken(TASKS["technical_analysis"], {"conclusion": "bullish", "facts": ["ret5", "rsi", "support"]}, facts)
    for name, subject in {"rsi": "RSI", "macd": "MACD", "ma": "均线", "boll": "布林", "kdj": "KDJ"}.items():
        assert f"{subject}{facts['readings'][name]}" in told.zh
    assert told.zh.count("支撑在收盘价") == told.zh.count("压力在收盘价") == 1


def test_an_answer_in_prose_is_told_as_it_says(built: Dataset) -> None:
    row = built.samples.filter(task="investment_advice").row(0, named=True)
    said = json.loads(row["answer"])
    told = spoken(TASKS["investment_advice"], said, json.loads(row["snapshot"]))
    assert said["analysis"] in told.zh
    assert all(reason in told.zh for reason in said["reasons"])


def test_an_answer_in_prose_is_read_by_its_tasks_own_model(built: Dataset, prompts: Prompts) -> None:
    row = built.samples.filter(task="investment_advice").row(0, named=True)
    wanted = expected("investment_advice", row["snapshot"], prompts)
    assert wanted.schema() == Expected("investment_advice").schema() == TASKS["investment_advice"].schema()
    read = wanted.read(row["answer"])
    assert (read.label, read.probabilities) == (row["label"], json.loads(row["answer"])["probability"])
