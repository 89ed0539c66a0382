"""Datasets: nothing lost, nothing leaked, and the same for a seed in any order of rows and any process."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from itertools import pairwise
from typing import Any

import polars as pl
import pytest

from ljwx.core import features
from ljwx.core.datasets.build import Dataset, build
from ljwx.core.datasets.card import Origin, card, card_markdown
from ljwx.core.datasets.content import SAMPLE_COLUMNS
from ljwx.core.datasets.examples import choose_examples
from ljwx.core.datasets.exports import alpaca_chunks, dataset_hash, dataset_info, jsonl_lines
from ljwx.core.datasets.merge import Merge
from ljwx.core.datasets.selection import alike, select
from ljwx.core.datasets.spec import RISK_STATEMENT, SampleSpec
from ljwx.core.datasets.splits import prove
from ljwx.core.labels.outcomes import NUMBERS, outcomes
from ljwx.core.prompts import Prompts
from ljwx.core.tasks import TASKS
from ljwx.exceptions import ConfigurationError, TooFewSessions


def test_every_bar_is_a_sample_or_a_counted_exclusion_of_every_task(market: Any, built: Dataset) -> None:
    for task in TASKS:
        counted = built.exclusions.filter(task=task)["count"].sum()
        assert len(built.samples.filter(task=task)) + counted == len(market.bars)


def test_samples_have_the_agreed_columns_and_no_nulls_but_first_labels(built: Dataset) -> None:
    assert tuple(built.samples.columns) == SAMPLE_COLUMNS
    nulls = {c: n for c, n in built.samples.null_count().to_dicts()[0].items() if n}
    assert set(nulls) <= {"previous_label", *NUMBERS}
    future = built.samples.filter(pl.col("task") != "technical_analysis").select(NUMBERS)
    assert future.null_count().row(0) == (0,) * len(NUMBERS)
    assert nulls["net"] == len(built.samples.filter(task="technical_analysis"))
    assert built.samples["sample_id"].is_unique().all()


def test_proof_holds_between_all_splits(built: Dataset) -> None:
    proof = built.proof
    assert proof.max_label_end_train is not None
    assert proof.min_as_of_next is not None
    assert proof.max_label_end_train < proof.min_as_of_next
    assert all(n is not None and n >= 6 for n in proof.sessions_between.values())
    assert sum(proof.counts.values()) == len(built.samples)


def test_what_happens_after_train_changes_nothing_in_train(market: Any, built: Dataset) -> None:
    edge = built.windows.validation_from
    later = pl.col("session") >= edge
    edges = {"validation_from": edge, "test_from": built.windows.test_from}
    columns = [pl.when(later).then(pl.col(c) * 1.07).otherwise(c).alias(c) for c in ("close", "high", "vol")]
    bars = market.bars.with_columns(columns)
    changed = market.build(bars, **edges)
    train, other = (b.samples.filter(split="train").drop("split") for b in (built, changed))
    assert changed.fit == built.fit
    assert other.equals(train)
    assert not changed.samples.equals(built.samples)


def test_risk_classes_are_terciles_of_train(market: Any) -> None:
    built = market.build(thin_gap=1, class_ratio=1000)
    train = Counter(built.samples.filter(task="risk_assessment", split="train")["label"])
    assert max(train.values()) - min(train.values()) <= 2


def test_rates_are_those_of_the_train_period_whatever_was_left_out_of_it(market: Any, built: Dataset) -> None:
    """Natural shares: thinning, caps and balancing choose samples, and change nothing of how often a class came."""
    chosen = market.build(class_ratio=1, max_train=120)
    assert chosen.fit == built.fit
    everything = market.build(thin_gap=1, class_ratio=1000, max_train=100_000).samples.filter(split="train")
    for task, rates in built.fit.rates.items():
        labels = everything.filter(task=task)["label"].to_list()
        assert rates == pytest.approx({name: labels.count(name) / len(labels) for name in rates})
    few = chosen.samples.filter(split="train", task="investment_advice")["label"].to_list()
    assert abs(few.count("hold") / len(few) - built.fit.rates["investment_advice"]["hold"]) > 0.02


def test_classes_follow_thresholds(market: Any, built: Dataset) -> None:
    happened = outcomes(market.bars, market.instruments, market.sessions, SampleSpec())
    rows = built.samples.join(happened.drop("label_end"), on=["ts_code", "session"])
    expected = {
        "investment_advice": lambda r: "buy" if r["excess"] >= 0.02 else "sell" if r["excess"] <= -0.02 else "hold",
        "price_direction": lambda r: "up" if r["net"] >= 0.01 else "down" if r["net"] <= -0.01 else "flat",
    }
    for task, rule in expected.items():
        for row in rows.filter(task=task).to_dicts():
            assert row["label"] == rule(row)


def test_previous_label_was_known_at_as_of(market: Any) -> None:
    built = market.build(thin_gap=1, class_ratio=1000)
    spec = SampleSpec()
    for task in TASKS:
        lag = 1 if task == "technical_analysis" else spec.horizon
        rows = built.samples.filter(task=task, ts_code="600003.SH").sort("session")
        known = {r["session"]: r["label"] for r in rows.to_dicts()}
        days = sorted(known)
        position = {d: k for k, d in enumerate(market.sessions)}
        for row in rows.to_dicts():
            earlier = market.sessions[position[row["session"]] - lag]
            if earlier in known and row["split"] == "train":
                assert row["previous_label"] == known[earlier]
        assert days


def test_thinning_keeps_every_nth_of_a_run_of_alike_sessions() -> None:
    days = [dt.date(2024, 1, d) for d in (2, 3, 4, 5, 8, 9, 10)]
    words = {"macd": "多头", "ma": "交织", "boll": "中轨上方", "kdj": "偏多"}
    rows = [("A", d, "偏强") for d in days[:4]] + [
        ("A", days[4], "偏弱"),
        ("A", days[6], "偏弱"),
        ("B", days[6], "偏弱"),
    ]
    frame = pl.DataFrame([{"ts_code": c, "session": d, "rsi": w, **words} for c, d, w in rows])
    # A run ends where a word changes, a session is missing, or the stock changes.
    assert frame.select(alike(days)).to_series().to_list() == [0, 1, 2, 3, 0, 0, 0]


def test_thinned_samples_of_a_stock_differ_or_lie_apart(market: Any) -> None:
    built = market.build(thin_gap=4, class_ratio=1000)
    position = {d: k for k, d in enumerate(market.sessions)}
    rows = built.samples.filter(task="technical_analysis").sort("ts_code", "session").to_dicts()
    for one, two in pairwise(rows):
        words = [
            tuple(json.loads(r["snapshot"])["readings"][k] for k in ("rsi", "macd", "ma", "boll", "kdj"))
            for r in (one, two)
        ]
        if one["ts_code"] == two["ts_code"] and words[0] == words[1]:
            assert position[two["session"]] - position[one["session"]] != 1
    assert built.exclusions.filter(reason="near_duplicate")["count"].sum() > 0


def test_caps_and_class_ratio_hold(market: Any) -> None:
    caps = {"per_session_cap": 6, "per_stock_cap": 30, "max_train": 150, "max_validation": 40, "class_ratio": 1.5}
    built = market.build(thin_gap=1, **caps)
    samples = built.samples
    assert samples.group_by("task", "session").len()["len"].max() == 6
    assert samples.group_by("task", "split", "ts_code").len()["len"].max() <= 30
    for task in TASKS:
        assert len(samples.filter(task=task, split="train")) <= 150
        assert len(samples.filter(task=task, split="validation")) == 40
    loose = market.build(thin_gap=1, class_ratio=1.5)
    for task in TASKS:
        for one in (loose, built):
            sizes = Counter(one.samples.filter(task=task, split="train")["label"])
            assert max(sizes.values()) <= 1.5 * min(sizes.values())


@pytest.mark.parametrize(
    ("ratio", "cap", "expected"),
    [
        (2.0, 5, {"up": 2, "flat": 2, "down": 1}),
        (1.0, 5, {"up": 1, "flat": 1, "down": 1}),
        (2.0, 12, {"up": 4, "flat": 4, "down": 4}),
        (2.0, 20, {"up": 8, "flat": 7, "down": 5}),
        (1.5, 40, {"up": 7, "flat": 7, "down": 5}),
        (100.0, 40, {"up": 28, "flat": 7, "down": 5}),
    ],
)
def test_classes_are_even_after_the_cap_of_train(ratio: float, cap: int, expected: dict[str, int]) -> None:
    labels = ["up"] * 100 + ["flat"] * 7 + ["down"] * 5  # a draw alone would take hardly anything but "up"
    frame = pl.DataFrame({"label": labels, "draw": range(112)}).with_columns(
        task=pl.lit("price_direction"), split=pl.lit("train"), session=pl.lit(dt.date(2024, 1, 2)), ts_code=pl.lit("A")
    )
    chosen, omitted = select(frame, SampleSpec(class_ratio=ratio, max_train=cap))
    assert Counter(chosen["label"]) == expected
    assert len(chosen) + len(omitted) == 112


def test_validation_classes_are_not_balanced(market: Any) -> None:
    natural, forced = market.build(class_ratio=1000), market.build(class_ratio=1.0)
    assert natural.samples.filter(split="validation").equals(forced.samples.filter(split="validation"))
    assert len(forced.samples.filter(split="train")) < len(natural.samples.filter(split="train"))


def hashed(market: Any, prompts: Prompts, **settings: object) -> str:
    spec = SampleSpec(**settings)
    return dataset_hash(market.build(**settings).samples, spec, prompts)


def test_hash_does_not_depend_on_row_order(market: Any, built: Dataset, prompts: Prompts) -> None:
    spec = SampleSpec()
    bars = market.bars.sample(fraction=1.0, shuffle=True, seed=1)
    feature = features.compute(bars).sample(fraction=1.0, shuffle=True, seed=2)
    instruments = market.instruments.reverse()
    again = build(bars, feature, instruments, market.sessions[::-1], spec, **market.profiles)
    assert again.samples.equals(built.samples)
    shuffled = again.samples.sample(fraction=1.0, shuffle=True, seed=3)
    assert dataset_hash(shuffled, spec, prompts) == dataset_hash(built.samples, spec, prompts)
    assert list(jsonl_lines(shuffled, prompts)) == list(jsonl_lines(built.samples, prompts))


def test_hash_follows_content(market: Any, built: Dataset, prompts: Prompts) -> None:
    spec = SampleSpec()
    base = dataset_hash(built.samples, spec, prompts)
    assert dataset_hash(built.samples[1:], spec, prompts) != base
    moved = built.samples.with_columns(
        split=pl.when(pl.int_range(pl.len()) == 0).then(pl.lit("test")).otherwise("split")
    )
    assert dataset_hash(moved, spec, prompts) != base
    assert hashed(market, prompts, max_train=50) != hashed(market, prompts, max_train=50, seed=1)


def test_chat_and_alpaca_say_the_same(built: Dataset, prompts: Prompts) -> None:
    part = built.samples.filter(split="validation")
    chats = [json.loads(line)["messages"] for line in jsonl_lines(part, prompts)]
    records = json.loads("".join(alpaca_chunks(part, prompts)))
    assert len(chats) == len(records) == len(part) > 0
    for (system, user, assistant), record in zip(chats, records, strict=True):
        assert set(record) == {"instruction", "input", "output", "system", "weight"}
        assert user["content"] == f"{record['instruction']}\n{record['input']}"
        assert (system["content"], assistant["content"]) == (record["system"], record["output"])


def test_each_line_is_one_json_object_ended_by_a_newline(built: Dataset, prompts: Prompts) -> None:
    for line in jsonl_lines(built.samples, prompts):
        assert line.endswith("}\n")
        assert line.count("\n") == 1
        assert [m["role"] for m in json.loads(line)["messages"]] == ["system", "user", "assistant"]


def test_empty_part_is_still_a_json_array(built: Dataset, prompts: Prompts) -> None:
    assert json.loads("".join(alpaca_chunks(built.samples.head(0), prompts))) == []


def test_dataset_info_declares_both_files_of_every_split() -> None:
    info = dataset_info()
    assert {v["file_name"] for v in info.values()} == {
        f"{s}{end}" for s in ("train", "validation", "test") for end in (".jsonl", ".alpaca.json")
    }
    assert info["ljwx_train"]["columns"] == {
        "prompt": "instruction",
        "query": "input",
        "response": "output",
        "system": "system",
    }
    assert info["ljwx_train_chat"]["formatting"] == "sharegpt"
    assert info["ljwx_train_chat"]["columns"] == {"messages": "messages"}


def test_card_counts_add_up_and_carry_the_risk_statement(built: Dataset, prompts: Prompts) -> None:
    moment = dt.datetime(2026, 3, 2, 16, 5, tzinfo=dt.timezone.utc)
    merge = Merge(kept=3, new=0, superseded=pl.DataFrame(), left={"thinned": 77})
    facts = json.loads(json.dumps(card(built, SampleSpec(), prompts, Origin(moment, "abc", merge, "1.0"))))
    n = len(built.samples)
    for key in ("by_split", "by_board", "by_industry", "by_month"):
        assert sum(facts[key].values()) == n
    assert sum(sum(v.values()) for v in facts["by_task_and_class"].values()) == n
    assert facts["risk_statement"] == RISK_STATEMENT
    text = card_markdown(facts)
    for expected in (
        facts["sha256"],
        RISK_STATEMENT,
        "near_duplicate",
        str(built.proof.max_label_end_train),
        "abc",
        "2024-06",
        "Known at: 2026-03-02T16:05:00.000000+00:00.",
        "| left: thinned | 77 |",
    ):
        assert expected in text


def test_examples_are_of_train_balanced_and_varied(market: Any, built: Dataset) -> None:
    chosen = choose_examples(built.samples, 6, seed=3)
    assert set(chosen["split"]) == {"train"}
    for task in TASKS:
        mine = chosen.filter(task=task)
        assert Counter(mine["label"]) == dict.fromkeys(TASKS[task].classes, 2)
        assert mine["ts_code"].n_unique() == 6
    assert chosen.select("ts_code", "session").is_unique().all()
    assert prove(built.samples, market.sessions, SampleSpec(), chosen["sample_id"].to_list()).examples_from_train == 24


def test_examples_depend_on_the_seed_and_not_on_row_order(built: Dataset) -> None:
    shuffled = built.samples.sample(fraction=1.0, shuffle=True, seed=9)
    one, two = choose_examples(built.samples, 3, seed=3), choose_examples(shuffled, 3, seed=3)
    assert one["sample_id"].to_list() == two["sample_id"].to_list()
    assert one["sample_id"].to_list() != choose_examples(built.samples, 3, seed=4)["sample_id"].to_list()


def test_more_examples_than_there_are_gives_what_there_is(built: Dataset) -> None:
    few = built.samples.filter(pl.col("split") == "train").head(2)
    assert len(choose_examples(few, 5, seed=0)) == 2


def test_range_bounds_limit_as_of_and_not_the_look_back(market: Any, built: Dataset) -> None:
    since, until = market.sessions[90], market.sessions[130]
    feature = features.compute(market.bars)
    spec = SampleSpec(class_ratio=1000, thin_gap=1)
    bounds = {"since": since, "until": until}
    part = build(market.bars, feature, market.instruments, market.sessions, spec, **market.profiles, **bounds)
    assert part.samples["session"].min() == since
    assert part.samples["session"].max() == until
    full = market.build(class_ratio=1000, thin_gap=1).samples
    same = part.samples.join(full, on=["ts_code", "session", "task"], suffix="_full")
    assert (same["snapshot"] == same["snapshot_full"]).all()


def test_empty_range_is_refused_with_its_counts(market: Any) -> None:
    feature = features.compute(market.bars)
    with pytest.raises(ConfigurationError, match=r"no samples between 2030-01-01 and .*: no bars"):
        build(market.bars, feature, market.instruments, market.sessions, SampleSpec(), since=dt.date(2030, 1, 1))


def test_range_before_the_warm_up_is_refused_with_its_counts(market: Any) -> None:
    feature = features.compute(market.bars)
    with pytest.raises(TooFewSessions, match=r"no samples .*: missing_features \d+"):
        build(market.bars, feature, market.instruments, market.sessions, SampleSpec(), until=market.sessions[40])


def test_no_bars_at_all_are_refused(market: Any) -> None:
    empty = market.bars.head(0)
    with pytest.raises(ConfigurationError, match="no bars"):
        build(empty, features.compute(market.bars).head(0), market.instruments, market.sessions, SampleSpec())


def test_range_too_short_for_its_purge_is_refused(market: Any) -> None:
    feature = features.compute(market.bars)
    with pytest.raises(TooFewSessions, match="14 sessions have samples of every task: too few"):
        build(market.bars, feature, market.instruments, market.sessions, SampleSpec(), since=market.sessions[131])


LOCKED = pl.col("low").alias("up_limit")
"""With it, every session is spent at its upper limit."""


@pytest.mark.parametrize(
    ("changes", "asked", "says"),
    [
        ([], {"tasks": ("investment_advice",), "buy_excess": 0.9, "sell_excess": -0.9},
         r"every training sample is hold; widen .*; left out: entry_suspended \d+, immature \d+, missing"),
        ([LOCKED], {"tasks": ("price_direction",)}, r"no samples .*: entry_at_limit_up \d+, entry_suspended"),
        ([LOCKED], {}, r"0 sessions have samples of every task: .*; left out: entry_at_limit_up \d+, entry_suspended"),
        ([], {"universe": ("999999.SH",)}, r"no samples .*: not_in_universe \d+$"),
        ([], {"validation_from": dt.date(2024, 6, 3), "test_from": dt.date(2030, 1, 1)}, "the test split is empty;"),
    ],
)  # fmt: skip
def test_settings_that_make_no_dataset_are_refused_for_good_with_what_was_left_out(
    market: Any, changes: list[pl.Expr], asked: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says) as refused:
        market.build(market.bars.with_columns(changes), **asked)
    assert refused.type is ConfigurationError


def test_a_split_that_thinning_empties_while_it_is_short_asks_for_more_sessions(market: Any) -> None:
    feature = features.compute(market.bars)
    spec = SampleSpec(universe=("600003.SH",), thin_gap=12)
    with pytest.raises(TooFewSessions, match=r"the (train|validation|test) split is empty; .* near_duplicate \d+"):
        build(market.bars, feature, market.instruments, market.sessions, spec, since=market.sessions[128])


def test_one_task_alone_can_be_built(market: Any) -> None:
    for task in TASKS:
        assert set(market.build(tasks=(task,)).samples["task"]) == {task}


def test_samples_are_of_the_universe_alone_and_their_snapshots_stay(market: Any, built: Dataset) -> None:
    codes = sorted(built.index["ts_code"].cast(pl.String).unique())
    chosen = codes[: len(codes) // 2]
    some = market.build(universe=tuple(chosen))
    assert set(some.samples["ts_code"]) <= set(chosen)
    both = some.samples.join(built.samples, on=["ts_code", "session", "task"], suffix="_of_all")
    assert len(both) > 100
    assert both.filter(pl.col("snapshot") != pl.col("snapshot_of_all")).is_empty()
    left_out = some.exclusions.filter(pl.col("reason") == "not_in_universe")["count"].sum()
    assert left_out > 0
