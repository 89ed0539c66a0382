"""Every indicator against `ta`, or against another independent source where `ta` lacks it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from ljwx.core.features import compute
from ljwx.core.features.technical import FEATURES
from support_bars import bars, real_bars
from support_lazy import Lazy

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = Lazy("pandas")
ta = Lazy("ta")

talib = Lazy("talib")
if find_spec("talib") is None:
    pytest.skip("TA-Lib has no wheel for this Python", allow_module_level=True)
Prices = dict[str, "pd.Series"]


def rsv(p: Prices) -> pd.Series:
    return ta.momentum.StochasticOscillator(p["high"], p["low"], p["close"], window=9).stoch()


def kdj(p: Prices) -> tuple[list[float], list[float]]:
    """The textbook recursion by hand over ta's raw stochastic."""
    k_values, d_values, k, d = [], [], 50.0, 50.0
    for value in rsv(p):
        if np.isnan(value):
            k_values.append(np.nan)
            d_values.append(np.nan)
            continue
        k = 2 / 3 * k + 1 / 3 * value
        d = 2 / 3 * d + 1 / 3 * k
        k_values.append(k)
        d_values.append(d)
    return k_values, d_values


def bands(p: Prices) -> ta.volatility.BollingerBands:
    return ta.volatility.BollingerBands(p["close"], 20, 2)


def volatility(p: Prices) -> list[float]:
    closes = p["close"].to_numpy()
    daily = closes[1:] / closes[:-1] - 1
    return [np.nan] * 20 + [float(np.std(daily[i - 19 : i + 1], ddof=1)) for i in range(19, len(daily))]


def volume_ratio(p: Prices) -> list[float]:
    volume = p["vol"].to_numpy()
    return [np.nan] * 5 + [volume[i] / (sum(volume[i - 5 : i]) / 5) for i in range(5, len(volume))]


ORACLES: dict[str, Callable[[Prices], object]] = {
    **{f"ma_{n}": lambda p, n=n: ta.trend.SMAIndicator(p["close"], n).sma_indicator() for n in (5, 10, 20, 60)},
    **{f"ema_{n}": lambda p, n=n: ta.trend.EMAIndicator(p["close"], n).ema_indicator() for n in (12, 26)},
    "macd_dif": lambda p: ta.trend.MACD(p["close"]).macd(),
    "macd_dea": lambda p: ta.trend.MACD(p["close"]).macd_signal(),
    "macd_hist": lambda p: 2 * ta.trend.MACD(p["close"]).macd_diff(),
    **{f"rsi_{n}": lambda p, n=n: ta.momentum.RSIIndicator(p["close"], n).rsi() for n in (6, 12, 14, 24)},
    "kdj_k": lambda p: kdj(p)[0],
    "kdj_d": lambda p: kdj(p)[1],
    "kdj_j": lambda p: 3 * np.array(kdj(p)[0]) - 2 * np.array(kdj(p)[1]),
    "boll_upper": lambda p: bands(p).bollinger_hband(),
    "boll_mid": lambda p: bands(p).bollinger_mavg(),
    "boll_lower": lambda p: bands(p).bollinger_lband(),
    "boll_pct_b": lambda p: bands(p).bollinger_pband(),
    "boll_width": lambda p: bands(p).bollinger_wband(),
    "atr_14": lambda p: ta.volatility.AverageTrueRange(p["high"], p["low"], p["close"], 14).average_true_range(),
    "adx_14": lambda p: ta.trend.ADXIndicator(p["high"], p["low"], p["close"], 14).adx(),
    "cci_14": lambda p: ta.trend.CCIIndicator(p["high"], p["low"], p["close"], 14).cci(),
    "williams_r_14": lambda p: ta.momentum.WilliamsRIndicator(p["high"], p["low"], p["close"], 14).williams_r(),
    "obv": lambda p: ta.volume.OnBalanceVolumeIndicator(p["close"], p["vol"]).on_balance_volume(),
    "mfi_14": lambda p: ta.volume.MFIIndicator(p["high"], p["low"], p["close"], p["vol"], 14).money_flow_index(),
    "roc_12": lambda p: ta.momentum.ROCIndicator(p["close"], 12).roc(),
    "volume_ratio_5": volume_ratio,
    "ret_1": lambda p: ta.others.DailyReturnIndicator(p["close"]).daily_return() / 100,
    **{f"ret_{n}": lambda p, n=n: talib.ROCP(p["close"].to_numpy(), n) for n in (5, 10, 20)},
    "vol_20": volatility,
    "drawdown_60": lambda p: p["close"].to_numpy() / talib.MAX(p["close"].to_numpy(), 60) - 1,
}

PARTS = 1e6
"""A price of two decimals times a factor of four is a whole number of these: no product is rounded, no tie hidden."""
MARKETS = {"generated": lambda: bars(stocks=6, sessions=260, step=0.01), "real": real_bars}


@dataclass(frozen=True)
class Stock:
    """One stock's adjusted prices as whole numbers, and its features.

    :param factor: what a raw price is multiplied by.
    :param highest: its highest close, raw.
    """

    code: str
    prices: Prices
    factor: np.ndarray
    highest: float
    features: pl.DataFrame


@pytest.fixture(scope="module", params=MARKETS)
def market(request: pytest.FixtureRequest) -> list[Stock]:
    """The stocks of a market with more than 30 sessions: ta's ADX raises on shorter histories."""
    rows = MARKETS[request.param]()
    features = compute(rows).partition_by("ts_code", as_dict=True)
    found = []
    for key, stock in rows.group_by("ts_code", maintain_order=True):
        factor = stock["adj_factor"].to_numpy() * PARTS
        prices = {name: pd.Series((stock[name].to_numpy() * factor).round()) for name in ("high", "low", "close")}
        prices["vol"] = pd.Series(stock["vol"].to_numpy())
        if stock.height > 30:
            found.append(Stock(str(key[0]), prices, factor, stock["close"].to_numpy().max(), features[key]))
    return found


def test_every_feature_has_an_oracle() -> None:
    assert list(ORACLES) == [feature.name for feature in FEATURES]


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_every_row_past_the_warm_up_equals_the_oracle(market: list[Stock], feature) -> None:
    compared = 0
    for stock in market:
        ours = stock.features[feature.name].to_numpy()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # ta divides by zero while it warms up
            theirs = np.asarray(ORACLES[feature.name](stock.prices), dtype=float)
        theirs = theirs / stock.factor if feature.price_like else theirs
        begin = feature.warm_up - 1
        assert np.isnan(ours[:begin]).all(), stock.code
        # Where a value crosses zero, rounding is that of what was subtracted: prices, or numbers of the size of 100.
        absolute = 1e-12 * {"CNY": stock.highest, "score": 100, "percent": 100}.get(feature.unit, 1)
        np.testing.assert_allclose(ours[begin:], theirs[begin:], rtol=1e-9, atol=absolute, err_msg=stock.code)
        compared += len(ours) - begin
    assert compared > 900


def test_obv_counts_an_unchanged_close_as_a_rise() -> None:
    rows = bars(stocks=1, sessions=4, ex_rights=False).with_columns(
        high=pl.lit(11.0), low=pl.lit(9.0), close=pl.Series([10.0, 10.0, 9.5, 9.5]), vol=pl.Series([1.0, 2.0, 4.0, 8.0])
    )
    assert compute(rows)["obv"].to_list() == [1.0, 3.0, -1.0, 7.0]


def test_returns_are_as_of_the_row_across_an_ex_right() -> None:
    rows = bars(stocks=1, sessions=2).with_columns(
        high=pl.lit(20.0), low=pl.lit(9.0), close=pl.Series([20.0, 11.0]), adj_factor=pl.Series([1.0, 2.0])
    )
    assert compute(rows)["ret_1"].to_list() == [None, pytest.approx(0.1)]


def test_a_mean_is_in_the_price_level_of_its_own_row() -> None:
    rows = bars(stocks=1, sessions=6).with_columns(
        high=pl.lit(20.0),
        low=pl.lit(9.0),
        close=pl.Series([20.0] * 4 + [10.0] * 2),
        adj_factor=pl.Series([1.0] * 4 + [2.0] * 2),
    )
    assert compute(rows)["ma_5"].to_list() == [None, None, None, None, pytest.approx(10.0), pytest.approx(10.0)]
