"""The scale of a stock's factors is arbitrary: it depends on where the history begins and on who published it.

So no feature row and no snapshot may depend on it, nor on how far a computation looks back.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ljwx.core.bars.chaining import chained_for_features
from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.features import LOOK_BACK, compute
from ljwx.core.snapshots.snapshot import snapshots
from support_bars import bars, real_bars

SPEC = SampleSpec()
NONE = pl.lit(None, pl.Float64)
SCALES = (1.7, 3.0, 0.37, 1000 / 7)
few = settings(max_examples=10, deadline=None)


def traded(rows: pl.DataFrame) -> pl.DataFrame:
    """Bars on tick prices with what a snapshot reads besides; pre_close is the ex-right reference, unrounded."""
    before = pl.col("close").shift(1).over("ts_code") * pl.col("adj_factor").shift(1).over("ts_code")
    pre_close = (before / pl.col("adj_factor")).fill_null(pl.col("close"))
    return rows.with_columns(pre_close=pre_close, amount=pl.col("vol"), up_limit=NONE, down_limit=NONE)


def tick_bars(seed: int, stocks: int = 3, sessions: int = 120) -> pl.DataFrame:
    return traded(bars(stocks=stocks, sessions=sessions, seed=seed, step=0.01))


def texts(rows: pl.DataFrame, features: pl.DataFrame) -> pl.DataFrame:
    return snapshots(rows, features, SPEC).select("ts_code", "session", "snapshot")


def assert_same(one: pl.DataFrame, other: pl.DataFrame) -> None:
    """Every feature within rounding, and every snapshot to the byte."""
    features, others = compute(one), compute(other)
    assert_frame_equal(features, others, rel_tol=1e-9, abs_tol=1e-9)
    assert_frame_equal(texts(one, features), texts(other, others), check_exact=True)


def unpublished(rows: pl.DataFrame, where: pl.Expr | None = None) -> pl.DataFrame:
    """The bars with factors chained from pre_close, as for a source that publishes none, or none of these rows."""
    bare = pl.lit(True) if where is None else where
    factor = pl.when(~bare).then("adj_factor")
    days = rows["session"].unique().sort().to_list()
    return chained_for_features(rows.with_columns(adj_factor=factor, unfactored=bare), days).drop("run", "unfactored")


@pytest.fixture(scope="module")
def real() -> pl.DataFrame:
    return real_bars().with_columns(up_limit=NONE, down_limit=NONE)


@few
@given(seed=st.integers(0, 10**6), scale=st.sampled_from(SCALES) | st.floats(1e-3, 1e3))
def test_no_row_and_no_snapshot_of_tick_prices_depends_on_the_scale(seed: int, scale: float) -> None:
    rows = tick_bars(seed)
    assert_same(rows, rows.with_columns(pl.col("adj_factor") * scale))


@few
@given(seed=st.integers(0, 10**6), scales=st.lists(st.floats(1e-3, 1e3), min_size=3, max_size=3))
def test_each_stock_may_have_a_scale_of_its_own(seed: int, scales: list[float]) -> None:
    rows = tick_bars(seed)
    own = pl.col("ts_code").replace_strict(dict(zip(rows["ts_code"].unique().sort(), scales, strict=True)))
    assert_same(rows, rows.with_columns(pl.col("adj_factor") * own))


@pytest.mark.parametrize("scale", SCALES)
def test_no_row_and_no_snapshot_of_real_bars_depends_on_the_scale(real: pl.DataFrame, scale: float) -> None:
    assert_same(real, real.with_columns(pl.col("adj_factor") * scale))


@few
@given(seed=st.integers(0, 10**6))
def test_chained_factors_give_what_published_ones_give(seed: int) -> None:
    rows = tick_bars(seed)
    assert_same(rows, unpublished(rows).select(rows.columns))


def test_factors_of_one_quotient_give_the_same_on_real_bars_however_they_were_come_by(real: pl.DataFrame) -> None:
    chained = unpublished(real)
    own = 1 + pl.col("ts_code").cast(pl.Categorical).to_physical() / 7
    assert_same(chained, chained.with_columns(pl.col("adj_factor") * own))


def test_chained_and_published_factors_agree_on_real_bars_until_the_first_ex_right(real: pl.DataFrame) -> None:
    """From then on they are two numbers: pre_close is in whole ticks, and a published factor has few decimals."""
    step = pl.col("adj_factor") / pl.col("adj_factor").shift(1).over("ts_code")
    none_yet = real.select(((step - 1).abs() < 1e-9).fill_null(True).cum_min().over("ts_code"))["adj_factor"]
    published, chained = compute(real), compute(unpublished(real))
    assert none_yet.sum() > 10_000
    assert_frame_equal(published.filter(none_yet), chained.filter(none_yet), rel_tol=1e-9, abs_tol=1e-9)


@few
@given(seed=st.integers(0, 10**6), published_from=st.integers(1, 119))
def test_factors_that_are_published_later_change_no_earlier_row(seed: int, published_from: int) -> None:
    rows = tick_bars(seed)
    since = rows["session"].unique().sort()[published_from]
    earlier = pl.col("session") < since
    before = unpublished(rows.filter(earlier)).select(rows.columns)
    after = unpublished(rows, earlier).select(rows.columns)
    then = compute(before)
    now = compute(after).filter(earlier)
    assert_frame_equal(then, now, rel_tol=1e-9, abs_tol=1e-9)
    assert_frame_equal(texts(before, then), texts(after.filter(earlier), now), check_exact=True)


Factors = Callable[[pl.DataFrame], pl.DataFrame]


def _published(rows: pl.DataFrame) -> pl.DataFrame:
    return rows


@pytest.mark.parametrize("factors", [_published, unpublished], ids=["published", "chained"])
def test_a_short_look_back_gives_what_the_whole_history_gives(factors: Factors) -> None:
    rows = tick_bars(seed=5, sessions=LOOK_BACK + 200)
    days: list[date] = rows["session"].unique().sort().to_list()
    since = days[-25]
    full = compute(rows)
    later, earlier = pl.col("session") >= since, pl.col("session") < since
    kept = factors(rows.filter(pl.col("session") >= days[-25 - LOOK_BACK])).select(rows.columns)
    stored = full.filter(earlier).group_by("ts_code", maintain_order=True).last()
    short = compute(kept, since=since, previous=stored)
    assert_frame_equal(short, full.filter(later), rel_tol=1e-9, abs_tol=1e-9)
    assert_frame_equal(
        texts(kept.filter(later), short), texts(rows.filter(later), full.filter(later)), check_exact=True
    )


def test_a_window_reaches_no_ex_right_before_it(real: pl.DataFrame) -> None:
    """MFI, CCI, Williams and the bands know their own window only, wherever a chain of factors begins."""
    days = real["session"].unique().sort().to_list()
    late = real.filter(pl.col("session") >= days[120])
    windows = ["mfi_14", "cci_14", "williams_r_14", "boll_pct_b", "ma_20", "ret_20"]
    since = pl.col("session") >= days[160]
    whole = compute(unpublished(real), names=windows).filter(since)
    short = compute(unpublished(late), names=windows).filter(since)
    known = short.select(pl.all_horizontal(pl.col(windows).is_not_null())).to_series()
    assert known.sum() > 9_000
    assert_frame_equal(short.filter(known), whole.filter(known), rel_tol=1e-9, abs_tol=1e-9)


@pytest.mark.parametrize("scale", [1.0, *SCALES])
def test_equal_moves_up_and_down_are_a_tie(scale: float) -> None:
    """High and low widen by one tick each session: the directional movements are equal, and neither counts."""
    ticks = pl.int_range(0, 60)
    rows = bars(stocks=1, sessions=60, ex_rights=False).with_columns(
        high=(1010 + ticks) / 100, low=(990 - ticks) / 100, close=pl.lit(10.0), adj_factor=pl.lit(scale)
    )
    last = compute(rows).row(-1, named=True)
    assert last["adx_14"] == 0
    assert last["mfi_14"] is None  # the typical price never moves, so no money flows
    assert last["rsi_14"] is None
