"""The whole way on real bars of 2024, when they lie beside the repository."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from ljwx.core import features
from ljwx.core.claims.check import unsupported_claims
from ljwx.core.datasets.build import Dataset, build
from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.labels.outcomes import outcomes
from ljwx.core.tasks import TASKS

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "realdata"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="no real bars beside the repository")

Data = tuple[pl.DataFrame, pl.DataFrame, list[dt.date]]


@pytest.fixture(scope="module")
def data() -> Data:
    text = {"trade_date": pl.String}
    daily = pl.read_csv(FOLDER / "daily_2024_120.csv.gz", schema_overrides=text)
    factors = pl.read_csv(FOLDER / "adj_factor_2024_120.csv.gz", schema_overrides=text)
    none = pl.lit(None, pl.Float64)
    codes = daily["ts_code"].unique().sort().head(40)
    bars = (
        daily.filter(pl.col("ts_code").is_in(codes.implode()))
        .join(factors, on=["ts_code", "trade_date"], how="left")
        .with_columns(session=pl.col("trade_date").str.to_date("%Y%m%d"), up_limit=none, down_limit=none)
        .with_columns(ah_vol=none, ah_amount=none, flags=pl.lit([], pl.List(pl.String)))
    )
    basic = json.loads(gzip.decompress((FOLDER / "stock_basic_response_202506.json.gz").read_bytes()))["data"]
    known = pl.DataFrame(basic["items"], schema=basic["fields"], orient="row", infer_schema_length=None)
    listed = pl.col("list_date").str.to_date("%Y%m%d")
    instruments = known.with_columns(list_date=listed, delist_date=pl.lit(None, pl.Date))
    return bars, instruments, sorted(set(bars["session"]))


@pytest.fixture(scope="module")
def real(data: Data) -> Dataset:
    bars, instruments, sessions = data
    return build(bars, features.compute(bars), instruments, sessions, SampleSpec())


def test_nothing_is_lost(data: Data, real: Dataset) -> None:
    for task in TASKS:
        assert len(real.samples.filter(task=task)) + real.exclusions.filter(task=task)["count"].sum() == len(data[0])


def test_every_answer_is_valid_and_true(real: Dataset) -> None:
    assert len(real.samples) > 10_000
    for task, answer, snapshot in real.samples.select("task", "answer", "snapshot").iter_rows():
        TASKS[task].parse(answer)
        assert unsupported_claims(answer, snapshot) == ()


def test_returns_over_ex_rights_stay_within_what_limits_allow(data: Data) -> None:
    bars, instruments, sessions = data
    happened = outcomes(bars, instruments, sessions, SampleSpec(horizon=1, exit_roll=0)).drop_nulls("gross")
    # One main-board session, open to close: at most from one 10 % limit to the other, plus rounding to a cent.
    assert happened["gross"].abs().max() < 1.11 / 0.89 - 1


def test_suspended_entries_are_those_without_a_bar_next_session(data: Data) -> None:
    bars, instruments, sessions = data
    after = dict(pairwise(sessions))
    traded = set(bars.select("ts_code", "session").iter_rows())
    happened = outcomes(bars, instruments, sessions, SampleSpec()).filter(reason="entry_suspended")
    expected = {(code, s) for code, s in traded if s < sessions[-5] and (code, after[s]) not in traded}
    assert set(happened.select("ts_code", "session").iter_rows()) == expected
