"""Each rule on a bar that breaks it alone, and the frames around them."""

from __future__ import annotations

import json
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ljwx.core.bars import (
    BAR_RULES,
    BARS,
    Checked,
    Codes,
    Context,
    assemble,
    chain_factors,
    check,
    instruments,
    limit_band,
    limit_percent,
    limit_price,
    suspensions,
)
from ljwx.core.bars.canonical import INSTRUMENTS, SUSPENSIONS
from ljwx.sources.rows import fetched_bars

GOOD = {
    "ts_code": "000001.SZ",
    "trade_date": "20240604",
    "open": 10.0,
    "high": 10.6,
    "low": 9.9,
    "close": 10.5,
    "pre_close": 10.0,
    "change": 0.5,
    "pct_chg": 5.0,
    "vol": 1000.0,
    "amount": 1030.0,
}
SESSIONS = [date(2024, 6, day) for day in (3, 4, 5, 6, 7)]
LISTED = pl.DataFrame(
    {
        "ts_code": ["000001.SZ", "300001.SZ", "688001.SH", "920001.BJ", "001279.SZ"],
        "list_date": [date(1991, 4, 3)] * 4 + [date(2024, 6, 4)],
        "delist_date": [None] * 5,
    },
    schema_overrides={"delist_date": pl.Date},
)


def daily(*changes: dict[str, Any]) -> pl.DataFrame:
    rows = [GOOD | change for change in changes or ({},)]
    return pl.DataFrame(rows, infer_schema_length=None, strict=False)


def factors(**by_day: float) -> pl.DataFrame:
    days = [day.removeprefix("d") for day in by_day]
    return pl.DataFrame({"ts_code": ["000001.SZ"] * len(days), "trade_date": days, "adj_factor": list(by_day.values())})


def checked_bars(
    wire: pl.DataFrame, adj: pl.DataFrame | None = None, limits: pl.DataFrame | None = None, **known: Any
) -> Checked:
    known = {"through": SESSIONS[-1], "sessions": SESSIONS, "instruments": LISTED} | known
    adj = factors(d20240603=1.0, d20240604=1.0, d20240605=1.0, d20240606=1.0) if adj is None else adj
    by_session = None if limits is None else by_date(limits)
    return check(assemble(fetched_bars(wire), by_date(adj), by_session), Context(**known))


def by_date(frame: pl.DataFrame) -> pl.DataFrame:
    """Give the session a date in the place of the wire's text."""
    return frame.with_columns(session=pl.col("trade_date").str.to_date("%Y%m%d"))


def reasons(checked: Checked) -> list[list[str]]:
    return checked.quarantine["reasons"].to_list()


def flags(checked: Checked) -> list[list[str]]:
    return checked.bars["flags"].to_list()


def test_a_good_bar_is_kept_as_it_came() -> None:
    checked = checked_bars(daily())
    assert checked.bars.schema == BARS
    assert checked.quarantine.height == 0
    kept = checked.bars.row(0, named=True)
    assert kept["session"] == date(2024, 6, 4)
    assert {name: kept[name] for name in ("open", "high", "low", "close", "pre_close", "vol", "amount")} == {
        name: GOOD[name] for name in ("open", "high", "low", "close", "pre_close", "vol", "amount")
    }
    assert kept["flags"] == []
    assert kept["ah_vol"] is None


BROKEN = {
    "code_without_exchange": ({"ts_code": "000001"}, ["keys", "unlisted"]),
    "code_of_nobody": ({"ts_code": None}, ["keys", "unlisted"]),
    "date_is_no_date": ({"trade_date": "20240231"}, ["keys"]),
    "date_is_missing": ({"trade_date": None}, ["keys"]),
    "price_is_missing": ({"close": None}, ["types"]),
    "price_is_nan": ({"open": float("nan")}, ["types"]),
    "volume_is_infinite": ({"vol": float("inf")}, ["types", "units"]),
    "price_is_a_word": ({"close": "停牌"}, ["types"]),
    "ah_vol_is_a_word": ({"ah_vol": "-"}, ["types"]),
    "volume_is_missing": ({"vol": None}, ["types"]),
    "price_is_zero": ({"open": 0.0, "low": 0.0}, ["positive", "limits"]),
    "price_is_negative": ({"open": -1.0, "low": -1.0}, ["positive", "limits"]),
    "volume_is_negative": ({"vol": -1.0}, ["positive"]),
    "amount_is_negative": ({"amount": -1030.0}, ["positive", "units"]),
    "amount_is_missing": ({"amount": None}, ["types"]),
    "reference_is_missing": ({"pre_close": None}, ["types"]),
    "reference_not_derived": ({"pre_close": None, "unreferenced": "ex-right not understood: 10配3股"}, ["reference"]),
    "high_below_close": ({"high": 10.4}, ["order"]),
    "high_below_open": ({"open": 10.8, "close": 10.5}, ["order"]),
    "low_above_open": ({"low": 10.1}, ["order"]),
    "high_and_low_swapped": ({"high": 9.9, "low": 10.6}, ["order"]),
    "change_of_another_close": ({"change": 0.4}, ["change"]),
    "shares_instead_of_lots": ({"vol": 100_000.0}, ["units"]),
    "yuan_instead_of_thousands": ({"amount": 1_030_000.0}, ["units"]),
    "above_the_upper_limit": ({"high": 11.01}, ["limits"]),
    "below_the_lower_limit": ({"low": 8.99}, ["limits"]),
    "from_the_future": ({"trade_date": "20240610"}, ["future"]),
    "on_a_closed_day": ({"trade_date": "20240609"}, ["future"]),
    "of_an_unknown_code": ({"ts_code": "000009.SZ"}, ["unlisted"]),
    "before_its_listing": ({"ts_code": "001279.SZ", "trade_date": "20240603"}, ["unlisted"]),
    "everything_wrong": (
        {"open": -1.0, "high": 5.0, "change": 3.0, "ts_code": "x"},
        ["keys", "positive", "order", "change", "units", "unlisted"],
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_bar_goes_to_quarantine_with_every_reason(case: str) -> None:
    change, expected_reasons = BROKEN[case]
    checked = checked_bars(daily(change))
    assert checked.bars.height == 0
    assert reasons(checked) == [expected_reasons]


def test_a_bar_on_a_closed_day_of_the_past_goes_to_quarantine() -> None:
    sessions = [day for day in SESSIONS if day.day != 4]
    assert reasons(checked_bars(daily(), sessions=sessions)) == [["closed_day"]]


def test_a_bar_of_a_delisted_code_goes_to_quarantine_and_one_on_the_last_day_does_not() -> None:
    gone = LISTED.with_columns(delist_date=pl.lit(date(2024, 6, 4)))
    checked = checked_bars(
        daily({}, {"trade_date": "20240605", "pre_close": 10.5, "change": 0.0, "pct_chg": 0.0}), instruments=gone
    )
    assert checked.bars["session"].to_list() == [date(2024, 6, 4)]
    assert reasons(checked) == [["unlisted"]]


SUSPENDED = pl.DataFrame({"ts_code": ["000001.SZ"] * 2, "session": [date(2024, 6, 5), date(2024, 6, 6)]})
QUIET = {"trade_date": "20240605", "pre_close": 10.5, "change": 0.0, "pct_chg": 0.0}


def test_a_bar_of_a_suspended_code_that_traded_is_kept_and_flagged() -> None:
    checked = checked_bars(daily({}, QUIET | {"vol": 1001.0}), suspended=SUSPENDED)
    assert flags(checked) == [[], ["suspended_traded"]]
    assert checked.quarantine.height == 0


def test_a_row_without_volume_on_a_suspended_day_goes_to_quarantine_and_on_another_day_does_not() -> None:
    still = QUIET | {"vol": 0.0, "amount": 0.0}
    checked = checked_bars(daily({}, still), suspended=SUSPENDED)
    assert checked.bars["session"].to_list() == [date(2024, 6, 4)]
    assert reasons(checked) == [["suspended"]]
    assert flags(checked_bars(daily({}, still))) == [[], ["no_trade"]]


COPY = {"trade_date": "20240605"}


def test_a_row_that_repeats_the_bar_before_goes_to_quarantine_also_when_it_does_so_for_days() -> None:
    third = COPY | {"trade_date": "20240606"}
    checked = checked_bars(daily({}, COPY, third), suspended=SUSPENDED)
    assert checked.bars["session"].to_list() == [date(2024, 6, 4)]
    assert reasons(checked) == [["repeated"]] * 2


def test_a_row_that_repeats_the_last_bar_before_the_frame_goes_to_quarantine() -> None:
    names = ("open", "high", "low", "close", "pre_close", "vol", "amount")
    before = pl.DataFrame({"ts_code": ["000001.SZ"], "adj_factor": [1.0], **{name: [GOOD[name]] for name in names}})
    assert reasons(checked_bars(daily(), before=before)) == [["repeated"]]
    assert flags(checked_bars(daily({"vol": 1000.5}), before=before)) == [["ex_right"]]


def test_without_suspensions_a_repeated_row_is_known_by_its_repeated_reference() -> None:
    """10.0 is no close before: after 10.5 the reference is 10.5, but for an ex-right that repeats every other value."""
    assert reasons(checked_bars(daily({}, COPY))) == [["repeated"]]
    same_trade_again = COPY | {"pre_close": 10.5, "change": 0.0, "pct_chg": 0.0}
    assert flags(checked_bars(daily({}, same_trade_again))) == [[], []]


def test_the_bar_after_a_suspension_follows_the_bar_before_it_whatever_rows_came_between() -> None:
    after = NEXT | {"trade_date": "20240607", "pre_close": 10.0, "change": 0.5, "pct_chg": 5.0}
    checked = checked_bars(daily({}, COPY, after), factors(d20240604=2.0, d20240607=2.0), suspended=SUSPENDED)
    assert reasons(checked) == [["repeated"]]
    assert flags(checked) == [[], ["ex_right"]]


RENAMED = Codes({"000001.SZ": "300001.SZ"})


def test_bars_before_and_after_a_rename_are_compared_as_those_of_one_stock() -> None:
    renamed = NEXT | {"ts_code": "300001.SZ", "pre_close": 10.0, "change": 0.5, "pct_chg": 5.0}
    both = pl.DataFrame(
        {"ts_code": ["000001.SZ", "300001.SZ"], "trade_date": ["20240604", "20240605"], "adj_factor": [2.0, 2.0]}
    )
    assert flags(checked_bars(daily({}, renamed), both)) == [[], []]
    assert flags(checked_bars(daily({}, renamed), both, codes=RENAMED)) == [[], ["ex_right"]]


def test_of_a_stock_that_comes_under_two_codes_on_one_day_the_newest_stays() -> None:
    checked = checked_bars(daily({}, {"ts_code": "300001.SZ"}), codes=RENAMED)
    assert checked.bars["ts_code"].to_list() == ["300001.SZ"]
    assert reasons(checked) == [["duplicate"]]


def test_an_old_code_that_nobody_lists_is_known_by_its_stock() -> None:
    unlisted = LISTED.filter(pl.col("ts_code") != "000001.SZ")
    assert reasons(checked_bars(daily(), instruments=unlisted)) == [["unlisted"]]
    assert flags(checked_bars(daily(), instruments=unlisted, codes=RENAMED)) == [[]]


def test_equal_copies_keep_one_and_contradicting_copies_keep_none() -> None:
    equal = checked_bars(daily({}, {}, {}))
    assert equal.bars.height == 1
    assert reasons(equal) == [["duplicate"]] * 2
    contradicting = checked_bars(daily({}, {"vol": 1001.0}))
    assert contradicting.bars.height == 0
    assert reasons(contradicting) == [["duplicate"]] * 2


def test_no_row_is_lost_whatever_is_wrong() -> None:
    wire = daily(*(change for change, _ in BROKEN.values()))
    checked = checked_bars(wire)
    assert checked.bars.height + checked.quarantine.height == wire.height
    assert all(checked.quarantine["reasons"].list.len() > 0)


def test_quarantine_keeps_the_values_as_they_came() -> None:
    word, nan = checked_bars(daily({"close": "停牌"})), checked_bars(daily({"open": float("nan")}))
    assert json.loads(word.quarantine["raw"][0])["close"] == "停牌"
    raw = json.loads(nan.quarantine["raw"][0])
    assert (raw["open"], raw["close"], raw["change"], raw["session"]) == ("nan", 10.5, 0.5, "2024-06-04")


def test_quarantine_says_why_a_reference_was_not_derived_only_where_it_was_to_be() -> None:
    derived, missing = (
        checked_bars(daily({"pre_close": None, "unreferenced": "no bar before"})),
        checked_bars(daily({"close": None})),
    )
    assert json.loads(derived.quarantine["raw"][0])["unreferenced"] == "no bar before"
    assert "unreferenced" not in json.loads(missing.quarantine["raw"][0])


def test_a_source_without_amounts_has_bars_without_them_and_is_checked_by_the_other_rules() -> None:
    plain, nan, low = {"amount": None}, {"amount": float("nan"), "ts_code": "300001.SZ"}, {"low": 10.1}
    checked = checked_bars(daily(plain, nan, {**plain, **low, "ts_code": "920001.BJ"}), amounts=False)
    assert checked.bars.select("ts_code", "amount").rows() == [("000001.SZ", None)]
    assert flags(checked) == [[]]
    assert sorted(reasons(checked)) == [["order"], ["types", "units"]]


ODD = {
    "nothing_traded": ({"vol": 0.0, "amount": 0.0}, ["no_trade"]),
    "money_for_another_price": ({"amount": 900.0}, ["vwap"]),
    "percent_of_another_close": ({"pct_chg": 4.5}, ["pct_chg"]),
}


@pytest.mark.parametrize("case", ODD)
def test_an_odd_bar_is_kept_and_flagged(case: str) -> None:
    change, expected_flags = ODD[case]
    checked = checked_bars(daily(change))
    assert checked.quarantine.height == 0
    assert flags(checked) == [expected_flags]


def test_a_rounded_amount_of_a_small_trade_is_not_odd() -> None:
    # One lot at 10.60, sent as 1.06 thousand, and 1.05 or 1.07 when rounded carelessly: 10 CNY off is odd, 5 is not.
    assert flags(checked_bars(daily({"vol": 1.0, "amount": 1.064}))) == [[]]
    assert flags(checked_bars(daily({"vol": 1.0, "amount": 1.09}))) == [["vwap"]]


NEXT = {"trade_date": "20240605", "pre_close": 10.5, "open": 10.5, "change": 0.0, "pct_chg": 0.0}


def test_a_factor_that_moves_without_an_ex_right_is_flagged_on_both_sides_of_the_glitch() -> None:
    third = NEXT | {"trade_date": "20240606"}
    glitch = factors(d20240604=8.284, d20240605=8.2841, d20240606=8.284)
    assert flags(checked_bars(daily({}, NEXT, third), glitch)) == [[], ["factor_move"], ["factor_move"]]


def test_an_ex_right_with_its_factor_is_not_odd_and_without_it_is() -> None:
    # 10.5 before, 10.0 as reference: the factor must grow by 1.05.
    ex = NEXT | {"pre_close": 10.0, "change": 0.5, "pct_chg": 5.0}
    assert flags(checked_bars(daily({}, ex), factors(d20240604=2.0, d20240605=2.1))) == [[], []]
    assert flags(checked_bars(daily({}, ex), factors(d20240604=2.0, d20240605=2.0))) == [[], ["ex_right"]]


def test_the_first_bar_is_compared_with_the_bar_before_the_frame() -> None:
    before = pl.DataFrame({"ts_code": ["000001.SZ"], "close": [10.0], "adj_factor": [1.5]})
    assert flags(checked_bars(daily(), factors(d20240604=1.5), before=before)) == [[]]
    assert flags(checked_bars(daily(), factors(d20240604=1.6), before=before)) == [["factor_move"]]


def test_repeats_in_the_reference_data_do_not_multiply_bars() -> None:
    before = pl.DataFrame({"ts_code": ["000001.SZ"] * 2, "close": [10.0, 9.0], "adj_factor": [1.5, 1.5]})
    checked = checked_bars(daily(), factors(d20240604=1.0), before=before, instruments=pl.concat([LISTED, LISTED]))
    assert flags(checked) == [[]]
    assert checked.quarantine.height == 0


def test_a_bar_after_a_bad_one_is_not_compared_with_the_bar_before_that() -> None:
    bad = NEXT | {"high": 10.4}
    third = NEXT | {"trade_date": "20240606", "pre_close": 10.2, "change": 0.3, "pct_chg": 2.9412}
    checked = checked_bars(daily({}, bad, third))
    assert flags(checked) == [[], []]
    assert reasons(checked) == [["order"]]


def test_a_missing_factor_is_flagged_and_a_contradicting_one_counts_as_missing() -> None:
    other = factors(d20240603=1.0)
    assert flags(checked_bars(daily(), other)) == [["no_factor"]]
    twice = pl.concat([factors(d20240604=1.0), factors(d20240604=1.1)])
    assert flags(checked_bars(daily(), twice)) == [["no_factor"]]
    same = pl.concat([factors(d20240604=1.0), factors(d20240604=1.0)])
    assert flags(checked_bars(daily(), same)) == [[]]


def limits(down: float, up: float) -> pl.DataFrame:
    return pl.DataFrame({"ts_code": ["000001.SZ"], "trade_date": ["20240604"], "up_limit": [up], "down_limit": [down]})


def test_published_limits_decide_and_a_difference_from_ours_is_flagged() -> None:
    assert flags(checked_bars(daily(), limits=limits(9.0, 11.0))) == [[]]
    assert flags(checked_bars(daily({"high": 11.5}), limits=limits(5.0, 20.0))) == [["limit_mismatch"]]
    assert reasons(checked_bars(daily(), limits=limits(9.5, 10.55))) == [["limits"]]


def test_st_narrows_the_band_while_the_name_says_so() -> None:
    special = pl.DataFrame(
        {"ts_code": ["000001.SZ"], "start_date": [date(2024, 1, 1)], "end_date": [date(2024, 6, 4)]},
    )
    later = NEXT | {"pre_close": 10.5, "high": 11.5, "low": 10.5, "amount": 1100.0}
    checked = checked_bars(daily({}, later), special=special)
    assert reasons(checked) == [["limits"]]  # 10.6 is above 10.5
    assert checked.bars["session"].to_list() == [date(2024, 6, 5)]


def test_an_ipo_has_no_band_for_five_sessions_and_then_has_one() -> None:
    wild = {"ts_code": "001279.SZ", "high": 30.0, "close": 30.0, "change": 20.0, "pct_chg": 200.0, "amount": 2000.0}
    days = [date(2024, 6, day) for day in (4, 5, 6, 7, 11, 12)]
    wire = daily(*(wild | {"trade_date": f"{day:%Y%m%d}", "vol": 1000.0 + day.day} for day in days))
    checked = checked_bars(wire, sessions=[date(2024, 6, 3), *days], through=days[-1])
    assert checked.bars["session"].to_list() == days[:5]
    assert reasons(checked) == [["limits"]]


def test_an_ipo_just_before_the_known_sessions_is_not_checked_against_the_band() -> None:
    wild = {"high": 30.0, "close": 30.0, "change": 20.0, "pct_chg": 200.0, "amount": 2000.0}
    young = LISTED.with_columns(list_date=pl.lit(date(2024, 5, 31)))
    assert reasons(checked_bars(daily(wild), instruments=young)) == []
    assert reasons(checked_bars(daily(wild))) == [["limits"]]


def test_without_reference_data_only_what_the_bar_itself_says_is_checked() -> None:
    checked = checked_bars(
        daily({"ts_code": "000009.SZ", "high": 11.5}, {"ts_code": "000010.SZ", "high": 10.4}), instruments=None
    )
    assert checked.bars["ts_code"].to_list() == ["000009.SZ"]
    assert reasons(checked) == [["order"]]


def test_every_rule_is_broken_by_some_case_here() -> None:
    tried = {name for _, names in BROKEN.values() for name in names} | {
        name for _, names in ODD.values() for name in names
    }
    elsewhere = {
        "closed_day",
        "suspended",
        "repeated",
        "suspended_traded",
        "duplicate",
        "factor_move",
        "ex_right",
        "no_factor",
        "limit_mismatch",
    }
    assert tried | elsewhere == {rule.name for rule in BAR_RULES}
    assert all(rule.sentence.endswith(".") for rule in BAR_RULES)


@settings(max_examples=300, deadline=None)
@given(fen=st.integers(1, 300_000), percent=st.sampled_from([5, -5, 10, -10, 20, -20, 30, -30]))
def test_a_limit_price_is_rounded_half_up(fen: int, percent: int) -> None:
    exact = Decimal(fen) / 100 * (100 + percent) / 100
    assert limit_price(fen / 100, percent) == float(exact.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))


def test_a_limit_price_that_binary_rounding_gets_wrong() -> None:
    assert limit_price(1.15, 10) == 1.27  # 1.265 exactly
    assert limit_price(20.05, -10) == 18.05  # 18.045 exactly


BANDS = [
    ("600000.SH", date(2024, 1, 2), False, 10),
    ("600000.SH", date(2026, 7, 3), True, 5),
    ("600000.SH", date(2026, 7, 6), True, 10),
    ("300750.SZ", date(2020, 8, 21), False, 10),
    ("300750.SZ", date(2020, 8, 21), True, 5),
    ("300750.SZ", date(2020, 8, 24), False, 20),
    ("301001.SZ", date(2024, 1, 2), True, 20),
    ("688981.SH", date(2024, 1, 2), False, 20),
    ("689009.SH", date(2024, 1, 2), True, 20),
    ("920001.BJ", date(2024, 1, 2), False, 30),
    ("430047.BJ", date(2024, 1, 2), False, 30),
]


def test_the_band_follows_board_and_date() -> None:
    frame = pl.DataFrame(BANDS, schema=["ts_code", "session", "st", "expected"], orient="row").with_columns(
        pre_close=pl.lit(10.05)
    )
    percent = limit_percent(pl.col("st"))
    assert frame.select(percent).to_series().to_list() == [row[3] for row in BANDS]
    lower, upper = (frame.select(price).to_series() for price in limit_band(percent))
    assert lower.to_list() == [limit_price(10.05, -row[3]) for row in BANDS]
    assert upper.to_list() == [limit_price(10.05, row[3]) for row in BANDS]


def test_chained_factors_keep_the_ex_right_identity() -> None:
    ex = NEXT | {"pre_close": 7.0}
    wire = daily({}, ex, NEXT | {"trade_date": "20240606", "pre_close": 10.5})
    bars = assemble(fetched_bars(wire), None, None)
    assert chain_factors(bars)["adj_factor"].to_list() == [1.0, 1.5, 1.5]


def test_whole_day_suspensions_only() -> None:
    stopped = pl.DataFrame(
        {
            "ts_code": ["000001.SZ", "000002.SZ", "000003.SZ"],
            "session": [date(2024, 6, 4)] * 3,
            "kind": ["S", "S", "R"],
            "timing": [None, "09:30-10:00", None],
        },
        schema=SUSPENSIONS,
    )
    assert suspensions(stopped).rows() == [("000001.SZ", date(2024, 6, 4))]
    assert suspensions(stopped.clear()).height == 0


def test_a_stock_of_two_list_states_is_what_its_last_row_says() -> None:
    rows = [{"ts_code": code, "list_status": state} for code, state in (("b", "L"), ("a", "L"), ("b", "D"))]
    kept = instruments(pl.DataFrame(rows, schema=INSTRUMENTS)).select("ts_code", "list_status")
    assert kept.rows() == [("a", "L"), ("b", "D")]
