"""Feature computation against `ta` and TA-Lib, each looped over stocks, on the indicators that both sides have.

A market of 5,400 stocks x 250 sessions is generated; no database, no server. Ratios are of medians measured in one
process. Run it alone: ``python benchmarks/features.py``.
"""

from __future__ import annotations

import gc
import json
import math
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import ta
import talib

from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.features import compute, feature_names
from ljwx.core.snapshots.snapshot import snapshots

STOCKS, SESSIONS = 5_400, 250
TA_SAMPLE = 20
NEITHER = ("kdj_k", "kdj_d", "kdj_j", "volume_ratio_5", "vol_20", "drawdown_60")
NOT_IN_TA = (*NEITHER, "ret_5", "ret_10", "ret_20")
NOT_IN_TALIB = (*NEITHER, "boll_pct_b", "boll_width")

Stock = dict[str, np.ndarray]


def market(stocks: int = STOCKS, sessions: int = SESSIONS, seed: int = 7) -> pl.DataFrame:
    """Generate bars of random walks with 2 % daily moves, prices in whole fen."""
    random = np.random.default_rng(seed)
    shape = (stocks, sessions)
    close = 10 * np.exp(np.cumsum(random.normal(0, 0.02, shape), axis=1))
    start = close * np.exp(random.normal(0, 0.01, shape))
    high = np.maximum(close, start) * np.exp(np.abs(random.normal(0, 0.005, shape)))
    low = np.minimum(close, start) * np.exp(-np.abs(random.normal(0, 0.005, shape)))
    days = [date(2024, 1, 1) + timedelta(days=i) for i in range(sessions)]
    return pl.DataFrame(
        {
            "ts_code": np.repeat([f"{i:06d}.SZ" for i in range(stocks)], sessions),
            "session": pl.Series(days * stocks, dtype=pl.Date),
            "high": high.round(2).ravel(),
            "low": low.round(2).ravel(),
            "close": close.round(2).ravel(),
            "vol": np.round(random.lognormal(10, 1, shape)).ravel(),
            "adj_factor": np.repeat(random.uniform(1, 100, stocks).round(3), sessions),
        }
    )


def seconds(work: Callable[[], Any], runs: int) -> float:
    """Median wall-clock seconds of ``work``, after one run that is not counted."""
    taken = []
    work()
    for _ in range(runs):
        gc.collect()
        begin = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def features_vs_ta(runs: int = 5) -> dict[str, Any]:
    """`ta` looped per stock / ours; `ta` is timed over a sample of stocks and scaled by their number."""
    bars = market()
    sample = [_pandas(stock) for stock in _stocks(bars, TA_SAMPLE)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ta divides by zero while it warms up
        peer = seconds(lambda: [_by_ta(stock) for stock in sample], 3) * STOCKS / TA_SAMPLE
    ours = seconds(partial(compute, bars, names=_names_without(NOT_IN_TA)), runs)
    note = f"ta timed over {TA_SAMPLE} of {STOCKS} stocks and scaled by their number"
    return {"value": peer / ours, "unit": "x", "ours": ours, "peer": peer, "runs": runs, "note": note}


def features_vs_talib(runs: int = 5) -> dict[str, Any]:
    """Ours / TA-Lib looped per stock over arrays that are ready and adjusted."""
    bars = market()
    stocks = _stocks(bars, STOCKS)
    ours = seconds(partial(compute, bars, names=_names_without(NOT_IN_TALIB)), runs)
    peer = seconds(lambda: [_by_talib(stock) for stock in stocks], runs)
    note = "TA-Lib gets arrays that are sorted, adjusted and split by stock; ours does that within its time"
    return {"value": ours / peer, "unit": "x", "ours": ours, "peer": peer, "runs": runs, "note": note}


def features_scale_rows_changed(runs: int = 1) -> dict[str, Any]:
    """Rows, and snapshots of them, that are others when all factors are multiplied by 1.7: none may be."""
    none = pl.lit(None, pl.Float64)
    before = (pl.col("close").shift(1).over("ts_code")).fill_null(pl.col("close"))
    bars = market(stocks=500).with_columns(
        open="close", pre_close=before, amount=pl.col("vol"), up_limit=none, down_limit=none
    )
    scaled = bars.with_columns(pl.col("adj_factor") * 1.7)
    begin = time.perf_counter()
    one, other = compute(bars), compute(scaled)
    same = np.isclose(one[:, 2:].to_numpy(), other[:, 2:].to_numpy(), rtol=1e-9, atol=1e-9, equal_nan=True).all(axis=1)
    texts = [snapshots(rows, features, SampleSpec())["snapshot"] for rows, features in ((bars, one), (scaled, other))]
    told_alike = texts[0].eq_missing(texts[1]).to_numpy()
    taken = time.perf_counter() - begin
    changed = int((~(same & told_alike)).sum())
    note = f"of {bars.height} rows on tick prices; seconds are of both passes with their snapshots"
    return {"value": changed, "unit": "rows", "ours": taken, "peer": math.nan, "runs": runs, "note": note}


def _names_without(missing: tuple[str, ...]) -> list[str]:
    return [name for name in feature_names() if name not in missing]


def _stocks(bars: pl.DataFrame, count: int) -> list[Stock]:
    factor = pl.col("adj_factor")
    adjusted = bars.head(count * SESSIONS).with_columns(pl.col("high", "low", "close") * factor)
    columns = {name: adjusted[name].to_numpy().reshape(count, SESSIONS) for name in ("high", "low", "close", "vol")}
    return [{name: column[i].copy() for name, column in columns.items()} for i in range(count)]


def _pandas(stock: Stock) -> dict[str, pd.Series]:
    return {name: pd.Series(values) for name, values in stock.items()}


def _by_ta(stock: dict[str, pd.Series]) -> list[pd.Series]:
    high, low, close, vol = (stock[name] for name in ("high", "low", "close", "vol"))
    macd = ta.trend.MACD(close)
    bands = ta.volatility.BollingerBands(close)
    return [
        *(ta.trend.SMAIndicator(close, n).sma_indicator() for n in (5, 10, 20, 60)),
        *(ta.trend.EMAIndicator(close, n).ema_indicator() for n in (12, 26)),
        *(macd.macd(), macd.macd_signal(), macd.macd_diff()),
        *(ta.momentum.RSIIndicator(close, n).rsi() for n in (6, 12, 14, 24)),
        *(bands.bollinger_hband(), bands.bollinger_mavg(), bands.bollinger_lband()),
        *(bands.bollinger_pband(), bands.bollinger_wband()),
        ta.volatility.AverageTrueRange(high, low, close, 14).average_true_range(),
        ta.trend.ADXIndicator(high, low, close, 14).adx(),
        ta.trend.CCIIndicator(high, low, close, 14).cci(),
        ta.momentum.WilliamsRIndicator(high, low, close, 14).williams_r(),
        ta.volume.OnBalanceVolumeIndicator(close, vol).on_balance_volume(),
        ta.volume.MFIIndicator(high, low, close, vol, 14).money_flow_index(),
        ta.momentum.ROCIndicator(close, 12).roc(),
        ta.others.DailyReturnIndicator(close).daily_return(),
    ]


def _by_talib(stock: Stock) -> list[Any]:
    high, low, close, vol = (stock[name] for name in ("high", "low", "close", "vol"))
    return [
        *(talib.SMA(close, n) for n in (5, 10, 20, 60)),
        *(talib.EMA(close, n) for n in (12, 26)),
        talib.MACD(close),
        *(talib.RSI(close, n) for n in (6, 12, 14, 24)),
        talib.BBANDS(close, 20),
        talib.ATR(high, low, close, 14),
        talib.ADX(high, low, close, 14),
        talib.CCI(high, low, close, 14),
        talib.WILLR(high, low, close, 14),
        talib.OBV(close, vol),
        talib.MFI(high, low, close, vol, 14),
        talib.ROC(close, 12),
        *(talib.ROCP(close, n) for n in (1, 5, 10, 20)),
    ]


if __name__ == "__main__":
    figures = {"features_vs_ta": features_vs_ta(), "features_vs_talib": features_vs_talib()}
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
