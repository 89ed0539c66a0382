"""What must hold for any market: no look-ahead, order and scale do not matter, a part equals the whole."""

from __future__ import annotations

import math
import sys

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ljwx.core.features import LOOK_BACK, all_features, compute, feature_names
from ljwx.exceptions import BadData
from support_bars import bars

NAMES = list(feature_names())
few = settings(max_examples=15, deadline=None)


@few
@given(seed=st.integers(0, 10**6), cut=st.integers(1, 99), factor=st.floats(0.01, 100))
def test_changing_the_future_changes_nothing(seed: int, cut: int, factor: float) -> None:
    rows = bars(stocks=2, sessions=100, seed=seed)
    day = rows["session"].unique().sort()[cut]
    future = pl.col("session") >= day
    changed = rows.with_columns(
        pl.when(future).then(pl.col(name) * factor).otherwise(pl.col(name)).alias(name)
        for name in ("high", "low", "close", "vol", "adj_factor")
    )
    past = pl.col("session") < day
    assert_frame_equal(compute(rows).filter(past), compute(changed).filter(past), check_exact=True)
    assert_frame_equal(compute(rows).filter(past), compute(rows.filter(past)), check_exact=True)


@few
@given(seed=st.integers(0, 10**6))
def test_the_order_of_the_rows_does_not_matter(seed: int) -> None:
    rows = bars(stocks=3, sessions=70, seed=seed)
    shuffled = rows.sample(fraction=1.0, shuffle=True, seed=seed)
    assert_frame_equal(compute(rows), compute(shuffled), check_exact=True)


@few
@given(seed=st.integers(0, 10**6))
def test_a_stock_does_not_depend_on_the_others(seed: int) -> None:
    rows = bars(stocks=4, sessions=70, seed=seed)
    alone = rows.filter(pl.col("ts_code") == "000003.SZ")
    assert_frame_equal(compute(rows).filter(pl.col("ts_code") == "000003.SZ"), compute(alone), check_exact=True)


@few
@given(seed=st.integers(0, 10**6), scale=st.floats(1e-3, 1e3))
def test_multiplying_all_factors_of_a_stock_changes_nothing(seed: int, scale: float) -> None:
    rows = bars(stocks=2, sessions=100, seed=seed)
    rescaled = rows.with_columns(pl.col("adj_factor") * scale)
    assert_frame_equal(compute(rows), compute(rescaled), rel_tol=1e-9, abs_tol=1e-9)


def test_scaling_by_a_power_of_two_changes_no_bit_even_with_ties() -> None:
    rows = bars(stocks=2, sessions=100, step=0.01)
    assert_frame_equal(compute(rows), compute(rows.with_columns(pl.col("adj_factor") * 8)), check_exact=True)


@few
@given(seed=st.integers(0, 10**6), gap=st.integers(1, 80), length=st.integers(1, 40))
def test_a_suspension_is_as_if_the_sessions_were_not(seed: int, gap: int, length: int) -> None:
    rows = bars(stocks=1, sessions=120, seed=seed)
    suspended = pl.concat([rows[:gap], rows[gap + length :]])
    later = suspended.with_columns(pl.Series("session", rows["session"][: suspended.height]))
    assert_frame_equal(compute(suspended).drop("session"), compute(later).drop("session"), check_exact=True)


@pytest.mark.parametrize("feature", all_features(), ids=lambda feature: feature.name)
def test_a_value_appears_exactly_at_the_end_of_the_warm_up(feature) -> None:
    values = compute(bars(stocks=3, sessions=70), names=[feature.name]).partition_by("ts_code")
    for stock in values:
        assert stock[feature.name].null_count() == feature.warm_up - 1
        assert stock[feature.name][feature.warm_up - 1] is not None


@pytest.mark.parametrize("sessions", [0, 1, 2, 5, 27])
def test_short_histories_give_nulls_and_never_numbers_of_other_stocks(sessions: int) -> None:
    long, short = (
        bars(stocks=1, sessions=80),
        bars(stocks=2, sessions=80).filter(pl.col("ts_code") == "000002.SZ")[:sessions],
    )
    together = compute(pl.concat([long, short])).filter(pl.col("ts_code") == "000002.SZ")
    assert together.height == sessions
    for feature in all_features():
        assert together[feature.name].drop_nulls().len() == max(0, sessions - feature.warm_up + 1)


@pytest.mark.parametrize("volume", [0.0, 100.0])
@pytest.mark.parametrize("price", [10.01, 0.97])  # 20 * 0.97 / 20 is not 0.97 in binary fractions
def test_a_flat_stock_gives_nulls_or_the_usual_value_and_never_nan(volume: float, price: float) -> None:
    rows = bars(stocks=1, sessions=100).with_columns(
        *(pl.lit(price).alias(name) for name in ("high", "low", "close")), vol=pl.lit(volume), adj_factor=pl.lit(1.7)
    )
    last = compute(rows).row(-1, named=True)
    nothing = {"rsi_6", "rsi_12", "rsi_14", "rsi_24", "boll_pct_b", "cci_14", "williams_r_14", "mfi_14"}
    nothing |= {"volume_ratio_5"} if volume == 0 else set()
    assert {name for name, value in last.items() if value is None} == nothing
    assert all(math.isfinite(last[name]) for name in NAMES if name not in nothing)
    assert last["adx_14"] == 0
    assert last["vol_20"] == 0
    assert last["boll_width"] == 0
    assert last["kdj_k"] == pytest.approx(50)


def test_only_rises_give_the_top_of_the_scale() -> None:
    rise = pl.int_range(1, 61).cast(pl.Float64)
    rows = bars(stocks=1, sessions=60, ex_rights=False).with_columns(high=rise + 0.5, low=rise - 0.5, close=rise)
    last = compute(rows).row(-1, named=True)
    assert (last["rsi_14"], last["mfi_14"], last["adx_14"]) == (100, 100, pytest.approx(100))


def test_a_daily_run_with_look_back_equals_the_full_pass() -> None:
    rows = bars(stocks=3, sessions=LOOK_BACK + 400, seed=5)
    gone = (pl.col("ts_code") == "000002.SZ") & pl.col("session").is_between(rows["session"][700], rows["session"][800])
    rows = rows.filter(~gone)
    full = compute(rows)
    since = rows["session"].unique().sort()[-3]
    new = rows.filter(pl.col("session") >= since)
    before = rows.filter(pl.col("session") < since).group_by("ts_code", maintain_order=True).tail(LOOK_BACK)
    earlier = full.filter(pl.col("session") < since).group_by("ts_code", maintain_order=True).last()
    daily = compute(pl.concat([before, new]), since=since, previous=earlier)
    assert daily.height == 9
    assert_frame_equal(daily, full.filter(pl.col("session") >= since), rel_tol=1e-9, abs_tol=1e-12)


def test_a_look_back_of_a_third_would_not_do() -> None:
    rows = bars(stocks=1, sessions=LOOK_BACK + 1, seed=5)
    last, short = compute(rows)["rsi_24"][-1], compute(rows.tail(LOOK_BACK // 3))["rsi_24"][-1]
    assert abs(short / last - 1) > 1e-9


def test_obv_goes_on_from_the_stored_row_and_starts_anew_for_a_new_stock() -> None:
    rows = bars(stocks=2, sessions=30)
    stored = compute(rows).filter((pl.col("ts_code") == "000001.SZ") & (pl.col("session") == rows["session"][19]))
    part = rows.filter(pl.col("session") >= rows["session"][15])
    again = compute(part, names=["obv"], since=rows["session"][20], previous=stored)
    full = compute(rows, names=["obv"]).filter(pl.col("session") >= rows["session"][20])
    known, new = pl.col("ts_code") == "000001.SZ", pl.col("ts_code") == "000002.SZ"
    assert_frame_equal(again.filter(known), full.filter(known), rel_tol=1e-9)
    alone = compute(part.filter(new), names=["obv"], since=rows["session"][20])
    assert_frame_equal(again.filter(new), alone, check_exact=True)


def test_a_previous_row_without_its_bar_is_refused() -> None:
    rows = bars(stocks=1, sessions=30)
    with pytest.raises(BadData, match="no bar to continue from"):
        compute(rows[10:], previous=compute(rows)[5:6])


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), 0.0, -1.0])
def test_a_bar_without_an_adjusted_price_is_null_and_passed_over(value: float | None) -> None:
    rows = bars(stocks=2, sessions=40)
    broken = (pl.col("ts_code") == "000001.SZ") & (pl.col("session") == rows["session"][10])
    damaged = rows.with_columns(adj_factor=pl.when(broken).then(pl.lit(value)).otherwise("adj_factor"))
    features = compute(damaged)
    assert features.height == rows.height
    assert features.filter(broken).select(NAMES).row(0) == (None,) * len(NAMES)
    assert_frame_equal(features.filter(~broken), compute(rows.filter(~broken)), check_exact=True)


def test_two_bars_with_one_key_are_refused() -> None:
    rows = bars(stocks=1, sessions=5)
    with pytest.raises(BadData, match="1 bars have the keys of another one, the first"):
        compute(pl.concat([rows, rows[2:3]]))


def test_an_unknown_name_is_refused_by_name() -> None:
    with pytest.raises(BadData, match="ma_7"):
        compute(bars(stocks=1, sessions=5), names=["ma_5", "ma_7"])


def test_no_bars_give_an_empty_frame_with_all_columns() -> None:
    empty = compute(bars(stocks=1, sessions=1)[:0])
    assert (empty.height, empty.columns) == (0, ["ts_code", "session", *NAMES])


def test_chosen_features_equal_those_of_the_whole_set() -> None:
    rows = bars(stocks=2, sessions=70)
    assert_frame_equal(
        compute(rows, names=["rsi_14", "ma_5"]),
        compute(rows).select("ts_code", "session", "ma_5", "rsi_14"),
        check_exact=True,
    )


def test_blocks_of_stocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = bars(stocks=7, sessions=70)
    whole = compute(rows)
    monkeypatch.setattr(sys.modules["ljwx.core.features.engine"], "BLOCK_ROWS", 100)
    assert_frame_equal(compute(rows), whole, check_exact=True)


def test_values_do_not_depend_on_when_the_history_begins_once_a_window_is_full() -> None:
    rows = bars(stocks=1, sessions=200)
    late = compute(rows[100:])
    windows = [
        n
        for n in NAMES
        if n.startswith(("ma_", "boll", "cci", "williams", "mfi", "roc", "volume", "ret", "vol_", "draw"))
    ]
    assert_frame_equal(late.select(windows)[60:], compute(rows).select(windows)[160:], check_exact=True)


def test_since_only_cuts_the_rows() -> None:
    rows = bars(stocks=2, sessions=70)
    since = rows["session"][65]
    assert_frame_equal(compute(rows, since=since), compute(rows).filter(pl.col("session") >= since), check_exact=True)
