"""How much of a label is its own, against counting by hand."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ljwx.core.datasets import uniqueness as module
from ljwx.core.datasets.build import Dataset
from ljwx.core.datasets.uniqueness import uniqueness

DAYS = [dt.date(2026, 1, 1) + dt.timedelta(days=k) for k in range(40)]


def labels(rows: list[tuple[str, str, int, int]]) -> pl.DataFrame:
    """Stock, task, and the places of the session and of label_end among DAYS."""
    made = [(stock, task, DAYS[start], DAYS[end]) for stock, task, start, end in rows]
    return pl.DataFrame(made, schema=["ts_code", "task", "session", "label_end"], orient="row")


def counted(rows: list[tuple[str, str, int, int]]) -> list[float]:
    """The definition, sample by sample and day by day."""
    held = [(stock, task, set(range(start + 1, end + 1)) or {start}) for stock, task, start, end in rows]
    return [
        sum(1 / sum((s, t) == (stock, task) and day in d for s, t, d in held) for day in days) / len(days)
        for stock, task, days in held
    ]


def test_labels_of_every_day_over_five_sessions_are_worth_a_fifth_each() -> None:
    weights = uniqueness(labels([("A", "x", k, k + 5) for k in range(30)]), DAYS).to_list()
    assert weights[10:20] == [pytest.approx(0.2)] * 10
    assert weights[0] == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4 + 1 / 5) / 5)


def test_labels_that_follow_each_other_are_whole_and_so_are_those_without_a_future() -> None:
    apart = labels([("A", "x", 0, 5), ("A", "x", 5, 10), ("A", "y", 3, 3), ("B", "x", 2, 7)])
    assert uniqueness(apart, DAYS).to_list() == [1.0] * 4


ROW = st.tuples(st.sampled_from("ABC"), st.sampled_from("xy"), st.integers(0, 30), st.integers(0, 9))


@settings(deadline=None, max_examples=50)
@given(drawn=st.lists(ROW, min_size=1, max_size=25), size=st.sampled_from([1, 2, 500]))
def test_weights_are_those_of_the_definition_in_any_order_and_batch(
    drawn: list[tuple[str, str, int, int]], size: int
) -> None:
    rows = [(stock, task, start, start + length) for stock, task, start, length in drawn]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "STOCKS", size)
        assert uniqueness(labels(rows), DAYS).to_list() == pytest.approx(counted(rows), abs=1e-9)


def test_a_dataset_carries_the_weights_of_its_own_samples(built: Dataset, market: Any) -> None:
    place = {day: k for k, day in enumerate(market.sessions)}
    columns = built.samples.select("ts_code", "task", "session", "label_end")
    rows = [(stock, task, place[day], place[end]) for stock, task, day, end in columns.iter_rows()]
    sample = built.samples.filter(task="price_direction", ts_code=rows[0][0])
    mine = [row for row in rows if row[:2] == (rows[0][0], "price_direction")]
    assert sample["weight"].to_list() == pytest.approx(counted(mine), abs=1e-9)
    assert built.samples.filter(task="technical_analysis")["weight"].unique().to_list() == [1.0]
    assert built.samples.filter(task="price_direction")["weight"].mean() < 0.75  # type: ignore[operator]
