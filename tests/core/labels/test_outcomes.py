"""Labels of small markets, each value worked out by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.labels.costs import Costs
from ljwx.core.labels.outcomes import outcomes
from ljwx.exceptions import BadData

Bars = Callable[..., pl.DataFrame]
FREE = Costs(commission=0, commission_minimum_cny=0, transfer_fee=0)
SPEC = SampleSpec(horizon=2, exit_roll=2, costs=FREE)
OTHER = [10.0] * 12


@pytest.fixture
def outcome(days: list[dt.date], bars_of: Bars, listed: Bars) -> Callable[..., dict[str, Any]]:
    """Outcome of the stock A_SH at its k-th session."""

    def at(rows: list[Any], k: int, spec: SampleSpec = SPEC, **changes: object) -> dict[str, Any]:
        bars = bars_of(A_SH=rows, B_SH=OTHER[: len(rows)])
        instruments = listed(["A.SH", "B.SH"], **{"A.SH": changes})
        rows_out = outcomes(bars, instruments, days, spec)
        return rows_out.filter(ts_code="A.SH", session=days[k]).to_dicts()[0]

    return at


def test_return_is_from_the_next_open_to_the_close_h_sessions_on(outcome: Any, days: list[dt.date]) -> None:
    got = outcome([10.0, {"open": 10.5, "close": 10.2}, 10.8, 11.0, 12.0], 0)
    assert got["gross"] == pytest.approx(10.8 / 10.5 - 1)
    assert got["label_end"] == days[2]
    assert got["reason"] is None


def test_costs_of_both_sides_and_stamp_duty_are_subtracted(outcome: Any) -> None:
    spec = SampleSpec(horizon=2, costs=Costs(commission=0.001, transfer_fee=0.00001))
    got = outcome([10.0, 10.0, 11.0, 11.0], 0, spec)
    # 100,000 bought pays 101; 110,000 sold pays 110 + 1.10 and 55 of stamp duty.
    assert got["net"] == pytest.approx((110_000 - 111.1 - 55) / 100_101 - 1, abs=1e-12)


def test_net_without_other_costs_is_gross_less_stamp_duty_in_force(outcome: Any) -> None:
    assert outcome([10.0, 10.0, 11.0, 11.0], 0)["net"] == pytest.approx(1.1 * 0.9995 - 1, abs=1e-12)


@pytest.mark.parametrize(("start", "duty"), [(dt.date(2023, 8, 23), 0.001), (dt.date(2023, 8, 24), 0.0005)])
def test_stamp_duty_halves_with_sales_from_28_august_2023(start: dt.date, duty: float, listed: Bars) -> None:
    days = [d for d in (start + dt.timedelta(k) for k in range(9)) if d.weekday() < 5]
    row = {"open": 10.0, "high": 11.0, "low": 10.0, "close": 10.0, "pre_close": 10.0, "adj_factor": 1.0}
    bars = pl.DataFrame(
        [{"ts_code": "A.SH", "session": d, **row, "up_limit": 11.0, "down_limit": 9.0} for d in days[:4]]
    )
    spec = SampleSpec(horizon=2, costs=FREE)
    got = outcomes(bars, listed(["A.SH"]), days, spec).row(0, named=True)
    assert got["net"] == pytest.approx(-duty, abs=1e-12)


def test_small_orders_pay_the_minimum_commission() -> None:
    assert Costs(commission=0.00025, order_value_cny=10_000, transfer_fee=0).per_side == pytest.approx(5 / 10_000)
    assert Costs(commission=0.00025, order_value_cny=1_000_000, transfer_fee=0).per_side == pytest.approx(0.00025)


def test_no_label_when_entry_is_suspended(outcome: Any) -> None:
    assert outcome([10.0, None, 10.0, 10.0, 10.0], 0)["reason"] == "entry_suspended"


def test_no_label_when_entry_opens_and_stays_at_limit_up(outcome: Any) -> None:
    got = outcome([10.0, {"open": 11.0, "close": 11.0, "up_limit": 11.0}, 12.0, 12.0], 0)
    assert got["reason"] == "entry_at_limit_up"
    assert got["net"] is None


def test_entry_at_limit_up_that_trades_below_it_is_tradable(outcome: Any) -> None:
    got = outcome([10.0, {"open": 11.0, "close": 11.0, "low": 10.9, "up_limit": 11.0}, 12.1, 12.0], 0)
    assert got["reason"] is None
    assert got["gross"] == pytest.approx(0.1)


def test_one_price_above_pre_close_counts_as_locked_when_no_limit_is_known(outcome: Any) -> None:
    locked = {"close": 11.0, "up_limit": None, "down_limit": None}
    assert outcome([10.0, locked, 12.0, 12.0], 0)["reason"] == "entry_at_limit_up"
    assert outcome([10.0, locked | {"low": 10.8}, 12.0, 12.0], 0)["reason"] is None


def test_suspended_exit_is_rolled_to_the_next_traded_close(outcome: Any, days: list[dt.date]) -> None:
    got = outcome([10.0, 10.0, None, 10.5, 10.0, 10.0], 0)
    assert (got["reason"], got["label_end"]) == (None, days[3])
    assert got["gross"] == pytest.approx(0.05)


def test_exit_suspended_past_the_roll_gives_no_label(outcome: Any) -> None:
    assert outcome([10.0, 10.0, None, None, None, 10.0, 10.0], 0)["reason"] == "exit_suspended"


def test_rolled_exit_that_may_still_come_is_immature(outcome: Any) -> None:
    assert outcome([10.0, 10.0, None, None], 0)["reason"] == "immature"


def test_exit_locked_at_limit_down_is_rolled(outcome: Any, days: list[dt.date]) -> None:
    got = outcome([10.0, 10.0, {"close": 9.0, "down_limit": 9.0}, {"close": 8.5, "low": 8.1, "high": 8.9}, 8.0, 8.0], 0)
    assert (got["reason"], got["label_end"]) == (None, days[3])
    assert got["gross"] == pytest.approx(-0.15)


def test_exit_that_closes_at_limit_down_is_rolled_though_it_traded_above(outcome: Any, days: list[dt.date]) -> None:
    fallen = {"open": 9.8, "close": 9.0, "low": 9.0, "high": 9.9, "down_limit": 9.0}
    got = outcome([10.0, 10.0, fallen, {"close": 8.5, "low": 8.1, "high": 8.9}, 8.0, 8.0], 0)
    assert (got["reason"], got["label_end"], got["exit_session"]) == (None, days[3], days[3])
    assert got["gross"] == pytest.approx(-0.15)


def test_exit_that_touches_limit_down_and_closes_above_it_is_sold(outcome: Any, days: list[dt.date]) -> None:
    got = outcome([10.0, 10.0, {"close": 9.01, "low": 9.0, "down_limit": 9.0}, 9.5, 9.5], 0)
    assert (got["label_end"], got["gross"]) == (days[2], pytest.approx(-0.099))


def test_exits_at_limit_down_past_the_roll_give_no_label(outcome: Any) -> None:
    falling = [{"open": c + 0.1, "close": c, "down_limit": c} for c in (9.0, 8.1, 7.29)]
    assert outcome([10.0, 10.0, *falling, 7.0, 7.0], 0)["reason"] == "exit_at_limit_down"


@pytest.mark.parametrize(
    ("code", "close", "rolled"),
    [("600000.SH", 9.0, True), ("600000.SH", 9.01, False), ("688001.SH", 9.0, False), ("688001.SH", 8.0, True)],
)
def test_without_a_published_limit_that_of_the_board_counts(
    days: list[dt.date], bars_of: Bars, listed: Bars, code: str, close: float, rolled: bool
) -> None:
    fallen = {"open": 9.9, "close": close, "low": close, "high": 9.9, "up_limit": None, "down_limit": None}
    bars = bars_of(**{code: [10.0, 10.0, fallen, 9.5, 9.5, 9.5]})
    got = outcomes(bars, listed([code]), days, SPEC).row(0, named=True)
    assert got["exit_session"] == days[3 if rolled else 2]


def test_entry_and_exit_say_when_one_traded(outcome: Any, days: list[dt.date]) -> None:
    got = outcome([10.0, 10.0, None, 10.5, 10.0, 10.0], 0)
    assert (got["entry_session"], got["exit_session"]) == (days[1], days[3])
    gone = outcome([10.0, {"close": 6.0, "down_limit": 5.0}, None, None, None, None], 0, delist_date=days[3])
    assert (gone["exit_session"], gone["label_end"]) == (days[1], days[3])
    assert outcome([10.0, 10.0], 0)["entry_session"] is None


def test_labels_of_the_last_h_sessions_are_immature(outcome: Any) -> None:
    rows = [10.0] * 6
    assert [outcome(rows, k)["reason"] for k in range(6)] == [None] * 4 + ["immature"] * 2


def test_ex_right_inside_the_window_is_no_loss(outcome: Any) -> None:
    halved = {"close": 5.0, "pre_close": 5.0, "adj_factor": 2.0, "up_limit": 5.5, "down_limit": 4.5}
    got = outcome([10.0, 10.0, halved, halved], 0)
    assert got["gross"] == pytest.approx(0.0)
    assert got["max_drawdown"] == pytest.approx(0.0)
    assert got["realised_volatility"] == pytest.approx(0.0)


def reasons_around(missing: int, days: list[dt.date], bars_of: Bars, listed: Bars) -> dict[str, list[Any]]:
    """Reasons of two stocks of ten sessions, one of which has no bar; A is suspended the session before it."""
    rows: dict[str, list[Any]] = {"A_SH": [10.0] * 10, "B_SH": OTHER[:10]}
    for stock in rows.values():
        stock[missing] = None
    rows["A_SH"][missing - 1] = None
    got = outcomes(bars_of(**rows), listed(["A.SH", "B.SH"]), days, SPEC).sort("session")
    return {code: got.filter(ts_code=code)["reason"].to_list() for code in ("A.SH", "B.SH")}


def test_no_outcome_reaches_over_a_session_of_which_nothing_is_known(
    days: list[dt.date], bars_of: Bars, listed: Bars
) -> None:
    """Session 5 is missing, the horizon is 2 and an exit may wait 2 more: no stock is suspended or sold later by it.

    A is suspended on 4 and cannot be bought at 3; from 2 on its exit would wait over the missing session.
    """
    got = reasons_around(5, days, bars_of, listed)
    assert got["B.SH"] == [None, None, None, "session_missing", "session_missing", None, None, "immature", "immature"]
    assert got["A.SH"] == [None, None, "session_missing", "session_missing", None, None, "immature", "immature"]


def test_a_missing_session_after_the_exit_changes_no_label(days: list[dt.date], bars_of: Bars, listed: Bars) -> None:
    whole = outcomes(bars_of(A_SH=[10.0, 10.0, 11.0, 9.0, 9.0]), listed(["A.SH"]), days, SPEC)
    parted = outcomes(bars_of(A_SH=[10.0, 10.0, 11.0, None, 9.0]), listed(["A.SH"]), days, SPEC)
    assert parted.row(0) == whole.row(0)
    assert parted["gross"][0] == pytest.approx(0.1)


def test_delisting_is_no_outcome_over_a_missing_session(days: list[dt.date], bars_of: Bars, listed: Bars) -> None:
    bars = bars_of(A_SH=[10.0, 10.0], B_SH=[10.0, 10.0, None, 10.0, 10.0, 10.0])
    got = outcomes(bars, listed(["A.SH", "B.SH"], **{"A.SH": {"delist_date": days[3]}}), days, SPEC)
    assert got.filter(ts_code="A.SH", session=days[0])["reason"].to_list() == ["session_missing"]


def test_missing_factor_gives_no_label_and_no_guess(outcome: Any) -> None:
    assert outcome([10.0, 10.0, {"close": 10.0, "adj_factor": None}, 10.0], 0)["reason"] == "missing_factor"


def test_stock_delisted_in_the_window_keeps_its_loss(outcome: Any, days: list[dt.date]) -> None:
    rows = [10.0, 10.0, None, None, None, None]
    got = outcome([10.0, {"open": 10.0, "close": 6.0, "down_limit": 5.0}, *rows[2:]], 0, delist_date=days[3])
    assert (got["reason"], got["label_end"]) == (None, days[3])
    assert got["gross"] == pytest.approx(-0.4)


def test_delisting_that_is_not_yet_known_changes_nothing(outcome: Any, days: list[dt.date]) -> None:
    rows = [10.0, 10.0, 10.0, 10.0, None, None]
    assert outcome(rows, 1, delist_date=days[20])["gross"] == pytest.approx(0.0)


@pytest.mark.parametrize(("code", "free"), [("600001.SH", 5), ("300001.SZ", 5), ("688001.SH", 5), ("920001.BJ", 1)])
def test_no_label_with_an_entry_in_the_days_without_limits(
    days: list[dt.date], bars_of: Bars, listed: Bars, code: str, free: int
) -> None:
    bars = bars_of(**{code: [None, *[10.0] * 10], "B_SH": OTHER[:11]})
    rows = outcomes(bars, listed([code, "B.SH"], **{code: {"list_date": days[1]}}), days, SPEC).filter(ts_code=code)
    got = rows.sort("session")["reason"].to_list()[:7]
    # Sessions 1 … free after listing have no limit; the entry is one session after as_of.
    assert got == ["no_limit_days"] * (free - 1) + [None] * (8 - free)


def test_excess_is_net_less_the_mean_net_of_all_stocks(outcome: Any) -> None:
    """A gains 10 % and B nothing, and each pays the stamp duty of 0.05 % on what it is sold for."""
    got = outcome([10.0, 10.0, 11.0, 11.0], 0)
    of_a, of_b = 0.1 - 1.1 * 0.0005, -0.0005
    assert got["excess"] == pytest.approx(of_a - (of_a + of_b) / 2)


def test_a_market_of_one_stock_has_no_excess_whatever_trading_costs(
    days: list[dt.date], bars_of: Bars, listed: Bars
) -> None:
    dear = SampleSpec(horizon=2, costs=Costs(commission=0.003))
    got = outcomes(bars_of(A_SH=[10.0, 10.0, 11.0, 11.0]), listed(["A.SH"]), days, dear).row(0, named=True)
    assert got["net"] < 0.1 - 0.006
    assert got["excess"] == 0


LOCKED_DOWN = {"open": 9.0, "close": 9.0, "down_limit": 9.0}


@pytest.mark.parametrize(
    ("rows", "delisted", "market"),
    [
        ([10.0, 10.0, None, 20.0, 20.0, 20.0], None, 0.0),  # suspended at t+h: what it does later is not known then
        ([10.0, 8.0, None, 20.0, 20.0, 20.0], None, -0.1),  # bought at 10 and last seen at 8
        ([10.0, 10.0, LOCKED_DOWN, 8.0, 8.0, 8.0], None, -0.05),  # cannot be sold at 9, and is worth no more
        ([10.0, 6.0, None, None, None, None], 3, -0.2),  # delisted within the window
        ([10.0, 8.0, None, None, None, None], None, -0.1),  # exit_suspended: no sample, but somebody holds it
        ([10.0, None, 8.0, 8.0, 8.0, 8.0], None, 0.0),  # could not be bought
        ([10.0, {"open": 11.0, "close": 11.0, "up_limit": 11.0}, 12.0, 12.0, 12.0, 12.0], None, 0.0),  # nor this one
    ],
)
def test_market_holds_every_stock_that_could_be_bought_at_its_last_close(
    days: list[dt.date], bars_of: Bars, listed: Bars, rows: list[Any], delisted: int | None, market: float
) -> None:
    opened = [{"open": 10.0, "close": r} if k == 1 and isinstance(r, float) else r for k, r in enumerate(rows)]
    changes = {"A.SH": {"delist_date": None if delisted is None else days[delisted]}}
    got = outcomes(bars_of(A_SH=opened, B_SH=OTHER[:6]), listed(["A.SH", "B.SH"], **changes), days, SPEC)
    other = got.filter(ts_code="B.SH", session=days[0]).row(0, named=True)
    # Two stocks, or B alone where A could not be bought; all pay the stamp duty of 0.05 %.
    gross = 1 + market
    assert other["net"] - other["excess"] == pytest.approx(gross * 0.9995 - 1, abs=1e-12)


def test_volatility_and_drawdown_follow_closes_through_the_window(outcome: Any) -> None:
    got = outcome([10.0, {"open": 10.5, "close": 11.0}, 9.9, 10.0], 0)
    assert got["realised_volatility"] == pytest.approx(0.1)  # +10 % and -10 %
    assert got["max_drawdown"] == pytest.approx(0.1)  # from 11 to 9.9


def test_suspended_session_adds_no_return_to_volatility(outcome: Any) -> None:
    spec = SampleSpec(horizon=3, exit_roll=0, costs=FREE)
    got = outcome([10.0, 10.2, None, 10.2 * 1.02, 10.0], 0, spec)
    assert got["realised_volatility"] == pytest.approx(0.02)


def test_label_never_uses_a_bar_after_its_end(days: list[dt.date], make_market: Any) -> None:
    market = make_market(stocks=4, count=60)
    spec = SampleSpec(horizon=3, exit_roll=2)
    full = outcomes(market.bars, market.instruments, market.sessions, spec)
    for cut in market.sessions[20:60:7]:
        part = outcomes(market.bars.filter(pl.col("session") <= cut), market.instruments, market.sessions, spec)
        known = full.filter((pl.col("label_end") <= cut) & pl.col("reason").is_null())
        assert known.equals(part.filter(pl.col("reason").is_null()).select(known.columns))


def test_bar_outside_the_sessions_is_refused(days: list[dt.date], bars_of: Bars, listed: Bars) -> None:
    with pytest.raises(BadData, match=r"2024-03-05, which is not among the sessions"):
        outcomes(bars_of(A_SH=[10.0] * 4), listed(["A.SH"]), [days[0], *days[2:]], SPEC)


def test_stock_twice_in_a_session_is_refused(days: list[dt.date], bars_of: Bars, listed: Bars) -> None:
    bars = bars_of(A_SH=[10.0] * 4)
    with pytest.raises(BadData, match="twice"):
        outcomes(pl.concat([bars, bars.head(1)]), listed(["A.SH"]), days, SPEC)
