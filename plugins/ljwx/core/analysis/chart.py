"""A stock's bars as a chart shows them: comparable over ex-rights, with the averages that people look for.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

from typing import Final

import polars as pl

AVERAGES: Final = (5, 20, 60)
"""Sessions of the moving averages."""
BAND: Final = 20
"""Sessions of the Bollinger bands, two standard deviations wide on each side."""
PRICES: Final = ("open", "high", "low", "close")


def charted(bars: pl.DataFrame) -> tuple[pl.DataFrame, bool]:
    """Return prices relative to the newest bar's rights, with averages and bands, and whether that could be done.

    Where one bar has no factor, prices stay as they were traded: a jump at an ex-right is then one of the chart.

    :param bars: session, prices, vol, amount and adj_factor of one stock, sorted by session.
    """
    comparable = not bars.is_empty() and bars["adj_factor"].null_count() == 0
    factor = pl.col("adj_factor") / pl.col("adj_factor").last() if comparable else pl.lit(1.0)
    close = pl.col("close")
    middle, width = close.rolling_mean(BAND), close.rolling_std(BAND, ddof=0) * 2
    shown = (
        bars.with_columns((pl.col(name) * factor).alias(name) for name in PRICES)
        .with_columns(close.rolling_mean(n).alias(f"ma{n}") for n in AVERAGES)
        .with_columns(upper=middle + width, lower=middle - width)
    )
    return shown.with_columns(pl.col(pl.Float64).round(4)).drop("adj_factor"), comparable
