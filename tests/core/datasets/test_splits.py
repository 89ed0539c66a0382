"""Splits: where they begin, what is purged, and that each broken promise is named."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.datasets.splits import Windows, assign, prove, windows
from ljwx.exceptions import ConfigurationError, LeakDetected

SPEC = SampleSpec(horizon=2)
DAYS = [dt.date(2024, 1, 1) + dt.timedelta(days=k) for k in range(40)]
WHERE = Windows(DAYS[20], DAYS[30])


def rows(*entries: tuple[int, int], split: list[str] | None = None, codes: list[str] | None = None) -> pl.DataFrame:
    """Samples by (index of session, index of label_end)."""
    frame = pl.DataFrame(
        {
            "sample_id": [f"id{k}" for k in range(len(entries))],
            "ts_code": codes or ["A.SH"] * len(entries),
            "task": ["price_direction"] * len(entries),
            "session": [DAYS[a] for a, _ in entries],
            "label_end": [DAYS[b] for _, b in entries],
        }
    )
    return frame if split is None else frame.with_columns(split=pl.Series(split))


def test_shares_are_of_the_sessions_that_the_purge_leaves() -> None:
    # Of 12 sessions 2 times 2 are purged: 4 train, 2 validate, 2 test.
    spec = SampleSpec(horizon=1, train_share=0.5, validation_share=0.25)
    assert windows(DAYS[:12] * 3, spec) == Windows(DAYS[6], DAYS[10])


def test_dates_of_the_spec_decide_when_given() -> None:
    spec = SampleSpec(validation_from=DAYS[3], test_from=DAYS[9])
    assert windows(DAYS, spec) == Windows(DAYS[3], DAYS[9])


def test_too_few_sessions_are_refused() -> None:
    assert windows(DAYS[:9], SPEC) == Windows(DAYS[4], DAYS[8])
    with pytest.raises(ConfigurationError, match=r"8 sessions have samples of every task: too few .* at least 9"):
        windows(DAYS[:8], SPEC)


def test_h_plus_one_sessions_are_purged_before_each_later_split() -> None:
    got = assign(rows(*((k, k + 2) for k in range(37))), DAYS, SPEC, WHERE)["split"].to_list()
    assert got == ["train"] * 17 + [None] * 3 + ["validation"] * 7 + [None] * 3 + ["test"] * 7


def test_label_that_was_rolled_into_the_next_split_is_purged_too() -> None:
    assert assign(rows((10, 20), (10, 19)), DAYS, SPEC, WHERE)["split"].to_list() == [None, "train"]


@settings(max_examples=60, deadline=None)
@given(
    horizon=st.integers(1, 8),
    rolls=st.lists(st.tuples(st.integers(0, 31), st.integers(0, 6)), min_size=5, max_size=60, unique_by=lambda r: r[0]),
    first=st.integers(8, 20),
    second=st.integers(21, 32),
)
def test_whatever_is_assigned_can_be_proved(
    horizon: int, rolls: list[tuple[int, int]], first: int, second: int
) -> None:
    spec = SampleSpec(horizon=horizon)
    samples = rows(*((a, min(a + horizon + r, 39)) for a, r in rolls))
    where = Windows(DAYS[first], DAYS[second])
    got = assign(samples, DAYS, spec, where).drop_nulls("split")
    prove(got, DAYS, spec)
    train, rest = got.filter(pl.col("split") == "train"), got.filter(pl.col("split") != "train")
    if len(train) and len(rest):
        assert train["label_end"].max() < rest["session"].min()


GOOD: Any = {"entries": ((5, 7), (20, 22), (33, 35)), "split": ["train", "validation", "test"]}


def good() -> pl.DataFrame:
    return rows(*GOOD["entries"], split=GOOD["split"])


def test_proof_states_the_dates_that_show_it() -> None:
    proof = prove(good(), DAYS, SPEC, ["id0"])
    assert proof.max_label_end_train == DAYS[7]
    assert proof.min_as_of_next == DAYS[20]
    assert proof.sessions_between == {"train": 14, "validation": 12}
    assert proof.counts == {"train": 1, "validation": 1, "test": 1}
    assert proof.sealed == "test"
    assert proof.as_dict()["max_label_end"]["train"] == "2024-01-08"


@pytest.mark.parametrize(
    ("samples", "says"),
    [
        (rows((5, 20), (20, 22), split=["train", "validation"]), "label of the train split ends on 2024-01-21"),
        (rows((17, 19), (20, 22), split=["train", "validation"]), "2 sessions lie between the train split"),
        (rows((20, 22), (23, 25), split=["validation", "test"]), "2 sessions lie between the validation split"),
        (rows((30, 32), (5, 7), split=["train", "validation"]), "label of the train split"),
        (rows((17, 19), (20, 22), split=["train", "test"]), "2 sessions lie between the train split"),
        (rows((5, 7), (5, 7), split=["train", "test"]), r"stock-session A.SH 2024-01-06 is in the splits test, train"),
        (good().with_columns(sample_id=pl.lit("same")), "sample_id same is in the splits test, train, validation"),
        (pl.concat([good(), good().head(1)]), "sample_id id0 is in the dataset more than once"),
        (good().with_columns(split=pl.lit("holdout")), "in no known split"),
        (good().with_columns(split=pl.lit(None, pl.String)), "in no known split"),
        (rows((5, 4), split=["train"]), "ends before its own session"),
    ],
)
def test_broken_promise_is_named(samples: pl.DataFrame, says: str) -> None:
    with pytest.raises(LeakDetected, match=says):
        prove(samples, DAYS, SPEC)


@pytest.mark.parametrize("example", ["id1", "id2", "unknown"])
def test_example_that_is_not_from_train_is_named(example: str) -> None:
    with pytest.raises(LeakDetected, match=f"few-shot example {example}"):
        prove(good(), DAYS, SPEC, ["id0", example])
