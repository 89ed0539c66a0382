"""A second feature group changes no snapshot and no hash of who does not ask for it, and is in those of who does."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from ljwx.core import features
from ljwx.core.datasets.build import Dataset
from ljwx.core.datasets.exports import dataset_hash
from ljwx.core.datasets.spec import SampleSpec, load_spec
from ljwx.core.evaluations import count_claims
from ljwx.core.prompts import Prompts, expected, load_prompts, question
from ljwx.core.snapshots.facts import facts_of_market
from ljwx.core.snapshots.snapshot import filled, profiled, snapshots
from ljwx.core.tasks import TASKS
from ljwx.core.tasks.spoken import spoken
from ljwx.core.templates import Template
from ljwx.exceptions import ConfigurationError
from ljwx.resources import included_below
from support_feature_group import AUCTION

BOTH = ("technical", "auction")
RANGES = {"高开": (0.5, 99.0), "平开": (-0.5, 0.5), "低开": (-99.0, -0.5)}


def without_group(snapshot: str) -> dict[str, Any]:
    facts = json.loads(snapshot)
    del facts["auction"]
    del facts["readings"]["gap"]
    return dict(facts)


def test_a_dataset_that_does_not_ask_for_the_group_keeps_its_hash(
    market: Any, built: Dataset, prompts: Prompts, two_groups: object
) -> None:
    assert "gap_1" in features.compute(market.bars).columns
    again = market.build()
    assert again.samples.equals(built.samples)
    assert SampleSpec().sha256 == "4c97f5e34547851e8372504b86c73fb231ff40d5fa2a0279beb073617b0d96a7"
    assert dataset_hash(again.index, SampleSpec(), prompts) == dataset_hash(built.index, SampleSpec(), prompts)


def test_a_dataset_that_asks_for_it_has_its_facts_in_every_snapshot(
    market: Any, built: Dataset, prompts: Prompts, two_groups: object
) -> None:
    spec = SampleSpec(feature_groups=BOTH)
    more = market.build(feature_groups=BOTH)
    assert [without_group(text) for text in more.samples["snapshot"]] == [*map(json.loads, built.samples["snapshot"])]
    facts = [json.loads(text) for text in more.samples["snapshot"]]
    assert {each["readings"]["gap"] for each in facts} == {"高开", "低开", "平开"}
    for each in facts:
        low, high = RANGES[each["readings"]["gap"]]
        assert low <= each["auction"]["gap_1"] <= high
    assert dataset_hash(more.index, spec, prompts) != dataset_hash(built.index, SampleSpec(), prompts)


def test_the_fact_is_what_the_bars_say(market: Any, two_groups: object) -> None:
    rows = snapshots(market.bars, features.compute(market.bars), SampleSpec(feature_groups=BOTH), **market.profiles)
    adjusted = market.bars.sort("ts_code", "session").with_columns(
        before=(pl.col("close") * pl.col("adj_factor")).shift(1).over("ts_code")
    )
    expected = adjusted.select(
        "ts_code", "session", gap=100 * (pl.col("open") * pl.col("adj_factor") / pl.col("before") - 1)
    )
    both = rows.filter(pl.col("snapshot").is_not_null()).join(expected, on=["ts_code", "session"])
    assert len(both) > 500
    for text, gap in both.select("snapshot", "gap").iter_rows():
        assert json.loads(text)["auction"]["gap_1"] == pytest.approx(gap, abs=0.0051)


def test_a_prompt_can_name_the_fact_where_the_snapshot_holds_it(market: Any, two_groups: object) -> None:
    template = Template.parse("竞价{readings.gap} {auction.gap_1}%", "v2/facts.txt")
    spec = SampleSpec(feature_groups=BOTH)
    rows = profiled(facts_of_market(market.bars, features.compute(market.bars), spec), spec, None, None)
    row = rows.filter("complete").select("auction.gap_1", "gap", text=filled(template, spec)).row(5, named=True)
    assert row["text"] == f"竞价{row['gap']} {row['auction.gap_1']}%"
    with pytest.raises(ConfigurationError, match=r"readings\.gap"):
        filled(template, SampleSpec())


def test_the_second_prompts_tell_the_group_without_a_text_of_its_own_and_answers_cite_it(
    market: Any, two_groups: tuple[features.FeatureGroup, ...]
) -> None:
    both = load_prompts(included_below("prompts"), "v2", TASKS, two_groups)
    dataset = market.build(form=both.form, feature_groups=BOTH, prompt_version="v2")
    row = dataset.samples.filter(task="price_direction").row(0, named=True)
    facts = json.loads(row["snapshot"])
    asked = question("price_direction", row["snapshot"], both)[1]["content"]
    assert asked.endswith(f"\ngap_1 {facts['auction']['gap_1']} {facts['readings']['gap']}")
    assert features.groups_of(facts) == two_groups
    answer = json.loads(row["answer"])
    assert answer["facts"][-1] == "gap_1", "one of each kind"
    assert expected("price_direction", row["snapshot"], both).read(row["answer"]).label == row["label"]
    told = spoken(TASKS["price_direction"], answer, facts).zh
    assert f"跳空为{facts['auction']['gap_1']},竞价{facts['readings']['gap']}" in told
    assert count_claims(answer, facts).right == len(answer["facts"])


def test_a_snapshot_without_the_group_is_asked_about_as_before(
    built: Dataset, two_groups: tuple[features.FeatureGroup, ...]
) -> None:
    snapshot = built.samples["snapshot"][0]
    assert features.groups_of(json.loads(snapshot)) == two_groups[:1]
    one = load_prompts(included_below("prompts"), "v2", TASKS, two_groups[:1])
    assert "gap" not in question("price_direction", snapshot, one)[1]["content"]


def test_groups_that_are_not_there_or_not_enough_are_refused_by_name(two_groups: object) -> None:
    assert load_spec({"feature_groups": ["auction", "technical"]}) == SampleSpec(feature_groups=BOTH)
    with pytest.raises(ConfigurationError, match="no feature group valuation; there is technical, auction"):
        load_spec({"feature_groups": ["technical", "valuation"]})
    with pytest.raises(ConfigurationError, match="made of technical"):
        load_spec({"feature_groups": ["auction"]})


def test_the_inputs_of_every_group_make_features_stale(two_groups: object) -> None:
    assert set(features.inputs()) == {"open", "high", "low", "close", "pre_close", "vol", "adj_factor"}
    assert features.feature_names()[-1] == AUCTION.features[0].name
