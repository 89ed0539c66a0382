"""Generated bars and real ones for the tests of the core; nothing here uses the code under test."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

REAL = Path(__file__).resolve().parents[1].parent / "shared" / "realdata"


def weekdays(count: int, start: date = date(2022, 1, 3)) -> list[date]:
    days = (start + timedelta(days=i) for i in range(2 * count + 7))
    return [day for day in days if day.weekday() < 5][:count]


def bars(
    stocks: int = 3, sessions: int = 120, seed: int = 1, ex_rights: bool = True, step: float = 0.0
) -> pl.DataFrame:
    """Random walks with a factor that jumps now and then.

    ``step`` rounds prices, and factors to four decimals as they are published; 0 leaves them free of ties.
    """
    random = np.random.default_rng(seed)
    parts = []
    for i in range(stocks):
        close = 10 * np.exp(np.cumsum(random.normal(0, 0.02, sessions)))
        start = close * np.exp(random.normal(0, 0.01, sessions))
        high = np.maximum(close, start) * np.exp(np.abs(random.normal(0, 0.005, sessions)))
        low = np.minimum(close, start) * np.exp(-np.abs(random.normal(0, 0.005, sessions)))
        jumps = np.where(random.random(sessions) < 0.02, random.uniform(1.0, 1.5, sessions), 1.0)
        factor = (np.cumprod(jumps) if ex_rights else np.ones(sessions)) * (1 + i)
        factor = factor.round(4) if step else factor
        columns = {"open": start, "high": high, "low": low, "close": close}
        columns = {
            name: (x / factor).round(int(-np.log10(step))) if step else x / factor for name, x in columns.items()
        }
        parts.append(
            pl.DataFrame(
                {"ts_code": [f"{i + 1:06d}.SZ"] * sessions, "session": weekdays(sessions), **columns}
            ).with_columns(vol=pl.Series(random.lognormal(10, 1, sessions).round(2)), adj_factor=pl.Series(factor))
        )
    return pl.concat(parts)


def real_wire() -> tuple[pl.DataFrame, pl.DataFrame]:
    """daily and adj_factor of 120 stocks in 2024, as on the wire."""
    if not REAL.is_dir():
        pytest.skip("no real bars beside the repository")
    dates = {"trade_date": pl.String}
    return (
        pl.read_csv(REAL / "daily_2024_120.csv.gz", schema_overrides=dates),
        pl.read_csv(REAL / "adj_factor_2024_120.csv.gz", schema_overrides=dates),
    )


def real_bars() -> pl.DataFrame:
    daily, factors = real_wire()
    joined = daily.join(factors, on=["ts_code", "trade_date"], how="left", validate="1:1")
    return joined.with_columns(session=pl.col("trade_date").str.to_date("%Y%m%d")).sort("ts_code", "session")
