"""A stock whose code changes gives the samples that it would have given, each under the code of its session."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest

from ljwx.core import features
from ljwx.core.bars import UNRENAMED, Codes
from ljwx.core.datasets.build import Dataset, build
from ljwx.core.datasets.members import MEMBERS
from ljwx.core.datasets.spec import SampleSpec

OLD, NEW = "600001.SH", "601001.SH"
AT = 100
"""Sessions before the change; the longest look-back is shorter."""
CHOSEN = ["600001.SH", "600002.SH", "600003.SH"]


@pytest.fixture(scope="module")
def day(market: Any) -> dt.date:
    changed: dt.date = market.sessions[AT]
    return changed


def renamed(frame: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    new = (pl.col("ts_code") == OLD) & (pl.col("session") >= day)
    return frame.with_columns(ts_code=pl.when(new).then(pl.lit(NEW)).otherwise("ts_code"))


def built(market: Any, day: dt.date | None, members: pl.DataFrame | None = None, **settings: Any) -> Dataset:
    """The dataset of the market; with a day, of the market in which the code changes on it."""
    feature, bars, listed, codes = features.compute(market.bars), market.bars, market.instruments, UNRENAMED
    if day is not None:
        mine = listed.filter(ts_code=OLD)
        bars, feature, codes = renamed(bars, day), renamed(feature, day), Codes({OLD: NEW})
        listed = pl.concat([listed, mine.with_columns(ts_code=pl.lit(NEW), list_date=pl.lit(day))])
    asked = SampleSpec(thin_gap=1, class_ratio=1000, **settings)
    return build(bars, feature, listed, market.sessions, asked, **market.profiles, members=members, codes=codes)


def plain(dataset: Dataset) -> pl.DataFrame:
    """The samples with the old code throughout, in their texts too, without what is a hash of them."""
    text = pl.col("snapshot").str.replace(NEW, OLD)
    samples = dataset.samples.with_columns(pl.col("ts_code").replace({NEW: OLD}), snapshot=text)
    return samples.drop("sample_id", "snapshot_sha256").sort("task", "session", "ts_code")


def test_only_the_code_of_a_renamed_stock_differs(market: Any, day: dt.date) -> None:
    dataset = built(market, day)
    assert plain(dataset).equals(plain(built(market, None)))
    mine = dataset.index.filter(pl.col("ts_code").cast(pl.String).is_in([OLD, NEW]))
    spans = {code: rows["session"] for (code,), rows in mine.group_by(pl.col("ts_code").cast(pl.String))}
    assert spans[OLD].max() < day <= spans[NEW].min()  # type: ignore[operator]
    assert mine.filter((pl.col("session") < day) & (pl.col("label_end") >= day)).height > 0


@pytest.mark.parametrize("named", [OLD, NEW])
def test_a_list_of_stocks_means_a_renamed_one_whichever_code_it_names(market: Any, day: dt.date, named: str) -> None:
    chosen = [named, *CHOSEN[1:]]
    assert plain(built(market, day, universe=chosen)).equals(plain(built(market, None, universe=CHOSEN)))


@pytest.mark.parametrize("named", [OLD, NEW])
def test_a_member_of_an_index_stays_one_whichever_code_the_list_has(market: Any, day: dt.date, named: str) -> None:
    index = {"universe": {"index": "000300.SH"}}
    lists = [(each, code) for each in market.sessions[::20] for code in CHOSEN]
    members = pl.DataFrame(lists, schema=MEMBERS, orient="row")
    other = members.with_columns(pl.col("ts_code").replace({OLD: named}))
    assert plain(built(market, day, other, **index)).equals(plain(built(market, None, members, **index)))
