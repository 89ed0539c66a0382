"""Datasets in blocks and against each other: no size decides anything, and every sample of a parent is counted."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ljwx.core import features
from ljwx.core.datasets import labelling
from ljwx.core.datasets.build import Dataset, build
from ljwx.core.datasets.content import SAMPLE_COLUMNS, identified
from ljwx.core.datasets.exports import dataset_hash, jsonl_lines
from ljwx.core.datasets.market import sessions, stocks
from ljwx.core.datasets.merge import merge
from ljwx.core.datasets.spec import SPLITS, SampleSpec
from ljwx.core.labels.outcomes import NUMBERS
from ljwx.core.parts import groups, part, places
from ljwx.core.prompts import Prompts, question
from ljwx.core.tasks import TASKS

KEY = ["ts_code", "session", "task"]
CORE = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def small(make_market: Any) -> Any:
    return make_market(stocks=4, count=130, seed=3)


@pytest.fixture(scope="module")
def base(small: Any) -> Dataset:
    return small.build(thin_gap=1, class_ratio=1000)


def keys(built: Dataset) -> pl.DataFrame:
    return built.index.select(*KEY, "sample_id")


def ids(built: Dataset) -> dict[tuple[Any, ...], str]:
    return {row[:3]: row[3] for row in keys(built).iter_rows()}


@pytest.mark.parametrize("rows", [1, 7, 10_000])
def test_blocks_hold_every_sample_in_the_order_of_the_content_whatever_their_size(base: Dataset, rows: int) -> None:
    blocks = list(base.content.blocks(rows=rows))
    whole = pl.concat(blocks)
    assert tuple(whole.columns) == SAMPLE_COLUMNS
    assert whole.equals(whole.sort("session", "ts_code", "task", "sample_id"))
    assert whole.sort("task", "session", "ts_code").equals(base.samples)
    for before, after in pairwise(blocks):
        assert before["session"].max() < after["session"].min()  # type: ignore[operator]
    assert (len(blocks) == 1) == (rows == 10_000)


def test_blocks_of_a_split_hold_that_split(base: Dataset) -> None:
    for split in SPLITS:
        mine = pl.concat(list(base.content.blocks(split, rows=50)))
        assert mine.sort("task", "session", "ts_code").equals(base.samples.filter(split=split))


def test_index_is_all_of_a_sample_but_its_texts(base: Dataset) -> None:
    texts = {"snapshot", "snapshot_sha256", "answer", "bars_from", "prompt_version", "feature_version"}
    assert set(base.index.columns) == set(SAMPLE_COLUMNS) - texts - set(NUMBERS)
    plain = base.index.select(pl.col(c).cast(base.samples.schema[c]) for c in base.index.columns)
    assert plain.sort("task", "session", "ts_code").equals(base.samples.select(base.index.columns))


def test_prompt_columns_say_to_the_byte_what_the_snapshot_fills_in(base: Dataset, prompts: Prompts) -> None:
    filled = pl.concat(list(base.blocks(None, prompts)))
    for task, snapshot, instruction, facts in filled.select("task", "snapshot", "instruction", "facts").iter_rows():
        (message,) = question(task, snapshot, prompts, system=False)
        assert message["content"] == f"{instruction}\n{facts}"
    assert set(filled["task"]) == set(TASKS)
    assert list(jsonl_lines(base.blocks(None, prompts), prompts)) == list(jsonl_lines(base.samples, prompts))


def test_size_of_the_parts_decides_nothing(small: Any, base: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    for sizes, name in ((sessions, "SESSIONS_ROWS"), (sessions, "STOCKS_ROWS"), (stocks, "PART_ROWS"),
                        (stocks, "BLOCK_ROWS"), (labelling, "STOCKS")):  # fmt: skip
        monkeypatch.setattr(sizes, name, 1)
    again = small.build(thin_gap=1, class_ratio=1000)
    assert again.samples.equals(base.samples)
    assert again.exclusions.equals(base.exclusions)


def test_parts_are_whole_stocks_of_at_most_so_many_rows() -> None:
    frame = pl.DataFrame({"ts_code": list("AABBBCDDDDD"), "n": range(11)})
    where = places(frame)
    assert [list(group) for group in groups(where, 5)] == [["A", "B"], ["C"], ["D"]]
    assert part(frame, where, ["B", "C"])["n"].to_list() == [2, 3, 4, 5]
    assert part(frame, where, ["X"]).is_empty()


SCRIPT = """
import sys
import ljwx.cli  # as a command, which does without Airflow: it loads for two seconds
sys.path.insert(0, sys.argv[1])
import conftest
from ljwx.core.datasets.exports import dataset_hash
from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.prompts import load_prompts
from ljwx.resources import included_below
from ljwx.core.tasks import DEFAULT_TASKS
prompts = load_prompts(included_below("prompts"), "v1", DEFAULT_TASKS)
built = conftest.seeded_market(stocks=4, count=120).build(max_train=40)
print(dataset_hash(built.index, SampleSpec(max_train=40), prompts))
"""


def test_hash_is_one_for_all_process_counts_and_hash_seeds(
    make_market: Any, prompts: Prompts, programs: ModuleType
) -> None:
    spec = SampleSpec(max_train=40)
    hashes = {dataset_hash(make_market(stocks=4, count=120).build(max_train=40).samples, spec, prompts)}
    for threads, seed in (("1", "0"), ("2", "4242"), ("7", "random")):
        env = {**os.environ, "PYTHONHASHSEED": seed, "POLARS_MAX_THREADS": threads}
        env["PYTHONPATH"] = os.pathsep.join(sys.path)
        command = [sys.executable, "-c", SCRIPT, str(CORE)]
        done = programs.run(command, env=env, capture_output=True, text=True, check=True, timeout=120)
        hashes.add(done.stdout.strip())
    assert len(hashes) == 1


def test_without_a_parent_every_sample_is_new(base: Dataset) -> None:
    merged = merge(base, [])
    assert merged.as_dict() == {"kept": 0, "new": len(base.index), "superseded": 0, "left": {}}


def test_parent_of_the_same_content_keeps_every_sample_in_any_number_of_parts(base: Dataset) -> None:
    parent = keys(base).sample(fraction=1.0, shuffle=True, seed=1)
    merged = merge(base, [parent[:100], parent[100:101], parent[101:]])
    assert merged.as_dict() == {"kept": len(base.index), "new": 0, "superseded": 0, "left": {}}
    assert merged.changed == 0


def test_a_corrected_bar_supersedes_and_what_is_thinned_away_is_counted(small: Any, base: Dataset) -> None:
    day = small.sessions[90]
    here = (pl.col("ts_code") == "600002.SH") & (pl.col("session") == day)
    bars = small.bars.with_columns(pl.when(here).then(pl.col("close") * 1.02).otherwise("close").alias("close"))
    child = small.build(bars, thin_gap=4, class_ratio=1000)
    old, new = ids(base), ids(child)
    merged = merge(child, [keys(base)])
    expected = {(old[k], new[k]) for k in old.keys() & new.keys() if old[k] != new[k]}
    assert set(merged.superseded.iter_rows()) == expected
    assert any(code == "600002.SH" and new[k] != old[k] for k in new.keys() & old.keys() for code in [k[0]])
    assert merged.kept == len(set(old.values()) & set(new.values()))
    assert merged.new == len(new.keys() - old.keys())
    gone = keys(base).filter(pl.Series([k not in new for k in old])).drop("sample_id")
    assert merged.left == dict(Counter(child.reasons(gone)["reason"]))
    assert merged.left["near_duplicate"] > 0


def test_samples_whose_stock_has_no_bar_any_more_are_counted(small: Any, base: Dataset) -> None:
    bars = small.bars.filter(pl.col("ts_code") != "600001.SH")
    child = small.build(bars, thin_gap=1, class_ratio=1000, tasks=("price_direction",))
    left = merge(child, [keys(base)]).left
    mine = base.index.with_columns(pl.col("task").cast(pl.String))
    assert left["task_not_asked"] == len(mine.filter(pl.col("task") != "price_direction"))
    assert left["no_bar"] == len(mine.filter(task="price_direction", ts_code="600001.SH"))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cut=st.integers(80, 125),
    stock=st.integers(0, 3),
    column=st.sampled_from(["open", "high", "low", "close", "vol", "amount", "adj_factor"]),
    times=st.floats(0.7, 1.4),
)
def test_no_bar_and_no_factor_after_as_of_changes_a_snapshot_of_the_dataset(
    small: Any, base: Dataset, cut: int, stock: int, column: str, times: float
) -> None:
    day: dt.date = small.sessions[cut]
    later = (pl.col("session") > day) & (pl.col("ts_code") == f"{600000 + stock}.SH")
    bars = small.bars.with_columns(pl.when(later).then(pl.col(column) * times).otherwise(column).alias(column))
    changed = small.build(bars, thin_gap=1, class_ratio=1000)
    told = ["ts_code", "session", "snapshot"]
    before = [
        b.samples.filter(pl.col("session") <= day, task="technical_analysis").select(told) for b in (base, changed)
    ]
    one, other = (frame.unique().sort(told) for frame in before)
    assert len(one) > 0
    assert other.equals(one)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000))
def test_permuted_rows_give_the_same_dataset(small: Any, base: Dataset, prompts: Prompts, seed: int) -> None:
    spec = SampleSpec(thin_gap=1, class_ratio=1000)
    bars = small.bars.sample(fraction=1.0, shuffle=True, seed=seed)
    feature = features.compute(small.bars).sample(fraction=1.0, shuffle=True, seed=seed + 1)
    instruments = small.instruments.sample(fraction=1.0, shuffle=True, seed=seed)
    again = build(bars, feature, instruments, small.sessions, spec, **small.profiles)
    assert dataset_hash(again.index, spec, prompts) == dataset_hash(base.index, spec, prompts)


@pytest.mark.parametrize(
    "changed", [{"label_end": dt.date(2024, 5, 2)}, {"feature_version": "2"}, {"prompt_version": "v2"}]
)
def test_what_the_proof_and_the_lineage_rest_on_is_part_of_a_samples_identity(changed: dict[str, Any]) -> None:
    content = {"task": "price_direction", "snapshot_sha256": "ab", "answer": "{}", "label_end": dt.date(2024, 5, 1)}
    content |= {"prompt_version": "v1", "feature_version": "1"}
    one, other = (identified(pl.DataFrame([row]))["sample_id"][0] for row in (content, content | changed))
    assert one != other
