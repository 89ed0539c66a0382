"""What a portfolio of the top answers earns in small markets, each value worked out by hand."""

from __future__ import annotations

import datetime as dt
import json
from math import sqrt
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr
from tests.core.conftest import hand_bars, instruments_of, weekdays

from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.evaluations import Resampling
from ljwx.core.forward.earned import (
    annual,
    deflated,
    deflated_sharpe,
    drawdown,
    earn,
    expected_best,
    ics_by_horizon,
    information_ratio,
    sharpe,
)
from ljwx.core.forward.market import market_of
from ljwx.core.forward.portfolio import PortfolioSpec, hold, index_curve, top_weights
from ljwx.core.labels.costs import Costs
from ljwx.core.labels.outcomes import outcomes
from ljwx.exceptions import BadData

FREE = Costs(commission=0, commission_minimum_cny=0, transfer_fee=0)
DAYS = weekdays(dt.date(2024, 3, 4), 60)
DUTY = 0.0005
SPEC = PortfolioSpec(horizon=2, top=0.5, costs=FREE, slippage=0.0)
FLAT = [10.0] * 6


def market(**stocks):
    bars = hand_bars(DAYS, {f"{name[0]}.SH": rows for name, rows in stocks.items()})
    return market_of(bars, DAYS[: max(map(len, stocks.values()))])


def held(a, weights=(1.0, 0.0), spec=SPEC):
    """Value at each close of buying A with the weight after the first session."""
    place = market(A=a, B=FLAT[: len(a)])
    given = np.zeros((len(a), 2))
    given[0] = weights
    return hold(given, place, spec)


def test_the_top_is_bought_at_the_next_open_and_sold_at_the_close_of_the_hth_session():
    got = held([9.0, {"open": 9.5, "close": 10.0}, 10.5, 12.0])
    sold = 0.5 + 0.5 * 10.5 / 9.5 * (1 - DUTY)
    assert got.sessions == tuple(DAYS[1:4])
    assert got.values == pytest.approx([0.5 + 0.5 * 10 / 9.5, sold, sold])
    assert got.bought == pytest.approx([0.5, 0, 0])


def test_each_side_pays_commission_and_slippage_and_the_seller_stamp_duty():
    spec = PortfolioSpec(horizon=2, top=0.5, costs=Costs(commission=0.001, transfer_fee=0.0), slippage=0.002)
    got = held([10.0, 10.0, 10.0], spec=spec)
    assert got.values[-1] == pytest.approx(0.5 + 0.5 / 1.003 * (1 - 0.003 - DUTY))


def test_h_parts_hold_overlapping_baskets():
    place = market(A=[10.0, 10.0, 10.5, 10.5, 11.0], B=FLAT[:5])
    got = hold(np.array([[1.0, 0.0]] * 5), place, SPEC)
    first = 0.5 * 1.05 * (1 - DUTY)  # bought at 10 on day 1 and sold at 10.5 on day 2
    second = 0.5  # bought at 10.5 on day 2 and sold there on day 3
    assert got.values[1] == pytest.approx(first + second)
    assert got.values[2] == pytest.approx(first + second * (1 - DUTY))
    # The first part bought at 10.5 on day 3, the second at 11 on day 4, where the first is sold.
    assert got.values[3] == pytest.approx(first * 11 / 10.5 * (1 - DUTY) + second * (1 - DUTY))


def test_what_opens_at_its_up_limit_all_day_stays_cash():
    locked = {"open": 11.0, "high": 11.0, "low": 11.0, "close": 11.0}
    assert held([10.0, locked, 12.0, 12.0]).values == pytest.approx([1, 1, 1])


def test_what_is_suspended_at_the_open_stays_cash():
    assert held([10.0, None, 12.0, 12.0]).values == pytest.approx([1, 1, 1])


def test_what_closes_at_its_down_limit_waits_and_so_does_what_is_suspended():
    got = held([10.0, 10.0, 9.0, None, 8.5, 8.5])
    assert got.values == pytest.approx([1, 0.95, 0.95, 0.5 + 0.5 * 0.85 * (1 - DUTY), 0.5 + 0.5 * 0.85 * (1 - DUTY)])


DAILY = PortfolioSpec(horizon=1, top=0.5, costs=FREE, slippage=0.0)


def test_nothing_is_sold_on_the_day_it_was_bought():
    sold = 0.5 + 0.5 * 1.1 * (1 - DUTY)
    assert held([10.0, 10.0, 11.0, 12.0], spec=DAILY).values == pytest.approx([1, sold, sold])


def test_with_a_horizon_of_one_session_every_answer_is_bought():
    place = market(A=[10.0] * 8, B=[10.0] * 8)
    got = hold(np.array([[1.0, 0.0], [0.0, 1.0]] * 4), place, DAILY)
    # Each half is sold on the day after it was bought, and pays stamp duty then.
    sales = [(0, 0), (1, 0), (1, 1), (2, 1), (2, 2), (3, 2), (3, 3)]
    assert got.values == pytest.approx([0.5 * (1 - DUTY) ** one + 0.5 * (1 - DUTY) ** other for one, other in sales])
    assert got.bought == pytest.approx([0.5] * 7, abs=0.001)


def test_a_sale_that_waits_is_not_put_off_by_buying_the_same_stock_again():
    # Bought at 10, locked at 9 a day later, and on the third day bought again at 9 while the first is sold at 8.5.
    rows = [10.0, 10.0, 9.0, {"open": 9.0, "close": 8.5}, 8.5, 8.5]
    place = market(A=rows, B=FLAT)
    weights = np.zeros((6, 2))
    weights[0, 0], weights[2, 0] = 0.5, 0.5
    got = hold(weights, place, SPEC)
    first = 0.25 * 0.85 * (1 - DUTY)
    again = 0.125 * 8.5 / 9
    assert got.values[2] == pytest.approx(0.5 + 0.25 - 0.125 + first + again)
    assert got.values[3] == pytest.approx(0.5 + 0.25 - 0.125 + first + again * (1 - DUTY))


def test_an_ex_right_is_no_loss():
    split = {"close": 5.0, "pre_close": 5.0, "adj_factor": 2.0, "up_limit": 5.5, "down_limit": 4.5}
    assert held([10.0, 10.0, split]).values[-1] == pytest.approx(0.5 + 0.5 * (1 - DUTY))


def test_a_basket_earns_what_the_labels_say_of_its_stock():
    costs, spec = Costs(), SampleSpec(horizon=2, costs=Costs())
    rows = [10.0, {"open": 10.2, "close": 10.4}, 10.9, 10.9]
    bars = hand_bars(DAYS, {"A.SH": rows, "B.SH": FLAT[:4]})
    net = outcomes(bars, instruments_of(["A.SH", "B.SH"]), DAYS[:4], spec).filter(ts_code="A.SH")["net"][0]
    got = held(rows, spec=PortfolioSpec(horizon=2, costs=costs, slippage=0.0))
    assert got.values[-1] == pytest.approx(1 + net / 2)


def test_capacity_is_the_capital_at_which_the_smallest_order_reaches_its_share_of_turnover():
    got = held([10.0] * 3, spec=PortfolioSpec(horizon=2, costs=FREE, slippage=0.0, share_of_turnover=0.1))
    # Turnover is 10 × 10 thousand CNY; a tenth of it is half of the capital.
    assert got.capacity[0] == pytest.approx(0.1 * 100_000 / 0.5)
    assert np.isnan(got.capacity[1])


def test_equal_signals_share_the_places_that_are_left():
    signals = np.array([[3.0, 1.0, 1.0, 0.0, np.nan], [np.nan] * 5])
    assert top_weights(signals, 0.5).tolist() == [[0.5, 0.25, 0.25, 0, 0], [0] * 5]
    assert top_weights(np.array([[1.0, 2.0, 3.0]]), 0.1).tolist() == [[0, 0, 1]]
    assert top_weights(np.arange(10.0)[None], 0.3).tolist()[0] == pytest.approx([0] * 7 + [1 / 3] * 3)


def test_what_it_earned_is_held_against_all_stocks_and_an_index():
    place = market(A=[10.0, 10.0, 12.0], B=[10.0, 10.0, 10.0])
    said = pl.DataFrame({"session": [DAYS[0]] * 2, "ts_code": ["A.SH", "B.SH"], "signal": [0.3, -0.1]})
    got = earn(said, place, SPEC, tried=3, index=[100.0, 101.0, 105.0])
    assert got.curve.values[-1] == pytest.approx(0.5 + 0.5 * 1.2 * (1 - DUTY))
    assert got.market.values[-1] == pytest.approx(0.5 + 0.5 * 1.1 * (1 - DUTY))
    assert got.index is not None
    assert got.index.tolist() == pytest.approx([1.01, 1.05])
    assert got.excess == pytest.approx(got.annual - got.market_annual)
    assert got.turnover == pytest.approx(242 * 0.5 / 2)
    assert got.tried == 3


def test_answers_without_bars_or_twice_are_refused():
    place = market(A=FLAT, B=FLAT)
    said = pl.DataFrame({"session": [DAYS[0]], "ts_code": ["C.SH"], "signal": [0.3]})
    with pytest.raises(BadData, match=r"C\.SH as of 2024-03-04, of which there are no bars"):
        place.laid_out(said)
    twice = said.with_columns(ts_code=pl.lit("A.SH"))
    with pytest.raises(BadData, match="two answers"):
        place.laid_out(pl.concat([twice, twice]))
    with pytest.raises(ValueError, match="no session follows"):
        hold(np.zeros((3, 2)), place, SPEC)
    with pytest.raises(ValueError, match="a close for each session"):
        index_curve([1.0], held(FLAT))
    with pytest.raises(ValueError, match="a horizon of 1"):
        PortfolioSpec(top=0)


def test_numbers_of_a_curve_are_those_of_a_kept_library():
    oracle = json.loads((Path(__file__).parent / "empyrical.json").read_text())
    returns, market_returns = (np.array(oracle[name]) for name in ("returns", "market"))
    values = np.cumprod(1 + returns)
    assert annual(values) == pytest.approx(oracle["annual"])
    assert drawdown(values) == pytest.approx(-oracle["max_drawdown"])
    assert sharpe(returns) == pytest.approx(oracle["sharpe"])
    ratio = information_ratio(returns - market_returns, Resampling(block=10))
    assert ratio is not None
    assert ratio.value == pytest.approx(oracle["excess_sharpe"] * sqrt(242))
    assert ratio.low is not None
    assert ratio.high is not None
    assert ratio.low < ratio.value < ratio.high


def test_an_information_ratio_without_enough_sessions_has_no_interval():
    ratio = information_ratio(np.array([0.01, -0.01, 0.02]), Resampling(block=10))
    assert ratio is not None
    assert (ratio.low, ratio.high) == (None, None)
    assert information_ratio(np.zeros(50), Resampling(block=10)) is None


def test_the_interval_of_an_information_ratio_covers_the_true_one():
    generator, covered = np.random.default_rng(9), 0
    for _ in range(60):
        ratio = information_ratio(generator.normal(0.1, 1, 240), Resampling(block=5, resamples=400))
        assert ratio is not None
        assert ratio.low is not None
        assert ratio.high is not None
        covered += ratio.low <= 0.1 * sqrt(242) <= ratio.high
    assert covered >= 52


def test_the_deflated_sharpe_ratio_is_that_of_its_paper():
    """Bailey and López de Prado (2014): 2.5 a year of 250 days, five years, 100 trials of variance 1/2 a year."""
    variance = 0.5 / 250
    assert sqrt(variance) * expected_best(100) == pytest.approx(0.1132, abs=5e-5)
    assert deflated(2.5 / sqrt(250), 1250, -3, 10, 100, variance) == pytest.approx(0.9004, abs=5e-5)
    assert deflated(2.5 / sqrt(250), 1250, -3, 10, 46, variance) == pytest.approx(0.9505, abs=5e-5)


def test_the_more_was_tried_the_less_a_sharpe_ratio_says():
    returns = np.random.default_rng(3).normal(0.1, 1, 400)
    by_count = [deflated_sharpe(returns, tried) for tried in (1, 5, 50)]
    assert by_count == sorted(by_count, reverse=True)
    assert deflated_sharpe(returns, [0.1, 0.1, 0.1]) == pytest.approx(by_count[0])
    assert deflated_sharpe(np.zeros(10), 1) is None


def test_the_rank_ic_is_of_the_return_from_the_next_open_to_each_close():
    generator = np.random.default_rng(7)
    prices = 10 * np.exp(generator.normal(0, 0.01, size=(30, 6)).cumsum(axis=1))
    stocks = {f"{at:03}": [{"open": p * 0.99, "close": p} for p in row] for at, row in enumerate(prices.tolist())}
    place = market_of(hand_bars(DAYS, stocks), DAYS[:6])
    signals = generator.normal(size=(6, 30))
    one, two = ics_by_horizon(signals, place, 2)
    wanted = [spearmanr(signals[t], prices[:, t + 2] / (prices[:, t + 1] * 0.99)).statistic for t in range(4)]
    assert (two.horizon, two.sessions) == (2, 4)
    assert two.mean == pytest.approx(np.mean(wanted))
    assert one.sessions == 5
