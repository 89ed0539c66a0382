"""The indicators: each function makes some features of a block. Pure: nothing here may import airflow, HTTP or SQL.

Price-like values are in units of ``price * adj_factor``; ``engine`` divides them by the row's own factor and masks
the warm-up. Definitions, seeds and conventions are in ``catalogue``.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from ljwx.core.features.group import Indicator
from ljwx.core.features.windows import TIE, Block, Column, combined, deviations, highest, lowest, mean, ratio, shifted

Columns = dict[str, Column]


def means(block: Block) -> Columns:
    """Moving averages."""
    return {f"ma_{n}": mean(block.close, n) for n in (5, 10, 20, 60)}


def macd(block: Block) -> Columns:
    """Exponential means 12 and 26, their difference, its signal and the A-share histogram."""
    fast = block.smoothed(2 / 13, ema_12=block.close)["ema_12"]
    slow = block.smoothed(2 / 27, ema_26=block.close)["ema_26"]
    dif = np.where(block.position >= 25, fast - slow, np.nan)
    dea = block.smoothed(2 / 10, dea=dif)["dea"]
    return {"ema_12": fast, "ema_26": slow, "macd_dif": dif, "macd_dea": dea, "macd_hist": 2 * (dif - dea)}


def rsi(block: Block) -> Columns:
    """Relative strength over 6, 12, 14 and 24 changes."""
    change = block.settled(block.close - block.before)
    gain, loss = np.where(change > 0, change, 0.0), np.where(change < 0, -change, 0.0)
    made = {}
    for n in (6, 12, 14, 24):
        mean_of = block.smoothed(1 / n, gain=gain, loss=loss)
        made[f"rsi_{n}"] = 100 * ratio(mean_of["gain"], block.settled(mean_of["gain"] + mean_of["loss"]))
    return made


def kdj(block: Block) -> Columns:
    """Stochastic 9-3-3 with K and D seeded with 50 in the row before the first RSV."""
    low, high = lowest(block.low, 9), highest(block.high, 9)
    span = block.settled(high - low)
    rsv = np.where(span == 0, 50.0, ratio(100 * (block.close - low), span))
    k = block.smoothed(1 / 3, k=block.started(rsv, 7, 50.0))["k"]
    d = block.smoothed(1 / 3, d=block.started(k, 7, 50.0))["d"]
    return {"kdj_k": k, "kdj_d": d, "kdj_j": 3 * k - 2 * d}


def bollinger(block: Block) -> Columns:
    """Bands of two population standard deviations around the mean of 20 closes."""
    middle = mean(block.close, 20)
    deviation = np.sqrt(deviations(block.close, middle, 20, np.square) / 20)
    band = np.where(block.settled(highest(block.close, 20) - lowest(block.close, 20)) > 0, 2 * deviation, 0.0)
    upper, lower = middle + band, middle - band
    return {
        "boll_upper": upper,
        "boll_mid": middle,
        "boll_lower": lower,
        "boll_pct_b": ratio(block.close - lower, 2 * band),
        "boll_width": 100 * (2 * band) / middle,
    }


def atr(block: Block) -> Columns:
    """Wilder's mean of the true range."""
    start = block.started(block.true_range, 13, mean(block.true_range, 14))
    return {"atr_14": block.smoothed(1 / 14, atr=start)["atr"]}


def adx(block: Block) -> Columns:
    """Wilder's average directional index.

    The true range cancels out of it except where it is 0, and so are the movements.
    """
    up, down = block.high - shifted(block.high, 1), shifted(block.low, 1) - block.low
    plus = np.where((up - down > block.tie) & (up > block.tie), up, 0.0)
    minus = np.where((down - up > block.tie) & (down > block.tie), down, 0.0)
    sums = block.smoothed(
        1 / 14, plus=block.started(plus, 14, mean(plus, 14)), minus=block.started(minus, 14, mean(minus, 14))
    )
    whole = block.settled(sums["plus"] + sums["minus"])
    dx = np.where(whole == 0, 0.0, ratio(100 * np.abs(sums["plus"] - sums["minus"]), whole))
    return {"adx_14": block.smoothed(1 / 14, adx=block.started(dx, 27, mean(dx, 14)))["adx"]}


def cci(block: Block) -> Columns:
    """Commodity channel index."""
    centre = mean(block.typical, 14)
    spread = deviations(block.typical, centre, 14, np.abs) / 14
    flat = highest(block.typical, 14) - lowest(block.typical, 14) <= block.tie
    return {"cci_14": np.where(flat, np.nan, ratio(block.typical - centre, 0.015 * spread))}


def williams(block: Block) -> Columns:
    """Williams %R."""
    top, bottom = highest(block.high, 14), lowest(block.low, 14)
    return {"williams_r_14": ratio(-100 * (top - block.close), block.settled(top - bottom))}


def obv(block: Block) -> Columns:
    """On-balance volume since the block's first bar of each stock."""
    signed = np.where(block.before - block.close > block.tie, -block.volume, block.volume)
    return block.per_stock({"obv": pl.col("signed").cum_sum()}, signed=signed)


def mfi(block: Block) -> Columns:
    """Money flow index."""
    flow = block.typical * block.volume
    step = block.typical - shifted(block.typical, 1)
    rising = combined(np.where(step > block.tie, flow, 0.0), 14, np.add)
    falling = combined(np.where(step < -block.tie, flow, 0.0), 14, np.add)
    return {"mfi_14": 100 * ratio(rising, rising + falling)}


def volume_ratio(block: Block) -> Columns:
    """Volume against the five sessions before."""
    return {"volume_ratio_5": ratio(block.volume, shifted(mean(block.volume, 5), 1))}


def returns(block: Block) -> Columns:
    """Returns, rate of change and drawdown."""
    close, twelve = block.close, shifted(block.close, 12)
    made = {f"ret_{n}": close / shifted(close, n) - 1 for n in (1, 5, 10, 20)}
    return made | {"roc_12": 100 * ((close - twelve) / twelve), "drawdown_60": close / highest(close, 60) - 1}


def volatility(block: Block) -> Columns:
    """Sample standard deviation of 20 one-session returns."""
    change = block.close / block.before - 1
    square = deviations(change, mean(change, 20), 20, np.square)
    flat = highest(change, 20) - lowest(change, 20) <= TIE
    return {"vol_20": np.where(flat, 0.0, np.sqrt(square / 19))}


INDICATORS: dict[Indicator, tuple[str, ...]] = {
    means: ("ma_",),
    macd: ("ema_", "macd_"),
    rsi: ("rsi_",),
    kdj: ("kdj_",),
    bollinger: ("boll_",),
    atr: ("atr_",),
    adx: ("adx_",),
    cci: ("cci_",),
    williams: ("williams_",),
    obv: ("obv",),
    mfi: ("mfi_",),
    volume_ratio: ("volume_ratio_",),
    returns: ("ret_", "roc_", "drawdown_"),
    volatility: ("vol_",),
}
"""Each function and the beginnings of the names it makes."""
