"""What each technical indicator is: name, unit, warm-up and definition, as data.

Prices are adjusted as of the row's own session: ``price * adj_factor / adj_factor of the row``. Recursions start at the
stock's first bar. Where the libraries disagree, the definition of the Python package ``ta`` is taken, because it is the
oracle of the tests; what follows says where that is a choice.

* EMA: ``y = y' + 2 / (n + 1) * (x - y')``, seeded with the first bar (TA-Lib seeds with the mean of the first n).
* MACD: DEA is seeded with the first DIF past its warm-up. The histogram is the A-share one, ``2 * (DIF - DEA)``,
  twice that of ``ta``.
* RSI: Wilder smoothing from the first bar, which counts as no change (TA-Lib seeds with the mean of the first n
  changes).
* KDJ 9-3-3: RSV over 9 sessions, K and D smoothed by 1/3 and seeded with 50. ``ta`` has only the unsmoothed RSV and a
  simple mean of it.
* ATR: seeded with the mean of the first 14 true ranges, the first being high - low (TA-Lib leaves the first bar out).
* ADX: Wilder sums seeded with the plain sum of the first 14 movements (TA-Lib seeds with 13).
* OBV: an unchanged close counts as a rise and the first bar counts, as in ``ta`` (TA-Lib leaves OBV unchanged there).
* A tie (an unchanged close or typical price, equal movements up and down, a window without range) is a difference of
  no more than a billionth of the price (``TIE``). ``ta`` compares its floating-point numbers as they are, and so lets
  the arbitrary scale of the factors decide; it agrees when it is given whole numbers.

A flat window makes a ratio meaningless. Null then: RSI with no change since the first bar, %b, CCI, Williams %R, MFI
without flow, volume ratio after five sessions without volume. The field's usual value then: RSI and MFI without any
fall are 100, ADX counts a session without movement as DX 0, an RSV without range is 50. No value is ever NaN or
infinite.
"""

from __future__ import annotations

from ljwx.core.features.group import Feature


def _numbered(
    name: str, unit: str, windows: tuple[int, ...], extra: int, text: str, oracle: str = "ta"
) -> tuple[Feature, ...]:
    return tuple(Feature(f"{name}_{n}", unit, n + extra, text.format(n=n), oracle) for n in windows)


FEATURES: tuple[Feature, ...] = (
    *_numbered("ma", "CNY", (5, 10, 20, 60), 0, "Mean close of {n} sessions."),
    *_numbered("ema", "CNY", (12, 26), 0, "Exponential mean of closes, span {n}."),
    Feature("macd_dif", "CNY", 26, "EMA 12 - EMA 26."),
    Feature("macd_dea", "CNY", 34, "Exponential mean of DIF, span 9."),
    Feature("macd_hist", "CNY", 34, "2 * (DIF - DEA).", "2 * ta"),
    *_numbered("rsi", "score", (6, 12, 14, 24), 1, "Wilder's relative strength index over {n} changes, 0 to 100."),
    Feature("kdj_k", "score", 9, "K = 2/3 K' + 1/3 RSV 9, seeded with 50.", "recursion over ta's RSV"),
    Feature("kdj_d", "score", 9, "D = 2/3 D' + 1/3 K, seeded with 50.", "recursion over ta's RSV"),
    Feature("kdj_j", "score", 9, "3 K - 2 D; leaves 0 to 100.", "recursion over ta's RSV"),
    Feature("boll_upper", "CNY", 20, "Mean close of 20 sessions + 2 population standard deviations."),
    Feature("boll_mid", "CNY", 20, "Mean close of 20 sessions."),
    Feature("boll_lower", "CNY", 20, "Mean close of 20 sessions - 2 population standard deviations."),
    Feature("boll_pct_b", "fraction", 20, "(close - lower) / (upper - lower)."),
    Feature("boll_width", "percent", 20, "100 * (upper - lower) / middle."),
    Feature("atr_14", "CNY", 14, "Wilder's mean of the true range over 14 sessions."),
    Feature("adx_14", "score", 28, "Wilder's average directional index over 14 sessions, 0 to 100."),
    Feature(
        "cci_14", "score", 14, "(typical price - its mean) / (0.015 * its mean absolute deviation) over 14 sessions."
    ),
    Feature(
        "williams_r_14", "score", 14, "-100 * (highest high - close) / (highest high - lowest low) over 14 sessions."
    ),
    Feature(
        "obv",
        "lots",
        1,
        "Running sum of volume, negative on sessions with a lower close, since the first bar.",
        running=True,
    ),
    Feature(
        "mfi_14", "score", 15, "100 * rising / (rising + falling) typical price * volume over 14 changes, 0 to 100."
    ),
    Feature("roc_12", "percent", 13, "100 * (close / close of 12 sessions ago - 1)."),
    Feature("volume_ratio_5", "ratio", 6, "Volume / mean volume of the 5 sessions before.", "formula"),
    Feature("ret_1", "fraction", 2, "close / close of 1 session ago - 1."),
    *_numbered("ret", "fraction", (5, 10, 20), 1, "close / close of {n} sessions ago - 1.", "TA-Lib ROCP"),
    Feature(
        "vol_20",
        "fraction",
        21,
        "Sample standard deviation of the last 20 one-session returns, not annualised.",
        "numpy",
    ),
    Feature("drawdown_60", "fraction", 60, "close / highest close of 60 sessions - 1.", "TA-Lib MAX"),
)
"""Every feature, in the order of the frame's columns."""
