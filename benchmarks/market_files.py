"""Files of a simulated market in TuShare's columns, a session at a time: what a person would have downloaded.

Prices are a random walk within the day's limits; now and then a stock pays a dividend, and its factor moves with its
pre_close. The rules of the bars pass every row. A session is a file a table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

STOCKS = 5_400
TABLES = ("daily", "adj_factor", "stk_limit")
LIMIT = 0.10
EX_RIGHTS_A_YEAR = 250


class Market:
    """Stocks of the main boards, all listed before the first session.

    :param stocks: how many.
    """

    def __init__(self, stocks: int = STOCKS, seed: int = 1) -> None:
        self._random = np.random.default_rng(seed)
        half = stocks // 2
        self.codes = [f"{600000 + at:06d}.SH" for at in range(half)] + [
            f"{at + 1:06d}.SZ" for at in range(stocks - half)
        ]
        self._close = self._random.uniform(5, 60, stocks).round(2)
        self._factor = np.ones(stocks)

    def stock_basic(self) -> pl.DataFrame:
        """Return the list of stocks."""
        size = len(self.codes)
        return pl.DataFrame(
            {
                "ts_code": self.codes, "symbol": [code[:6] for code in self.codes],
                "name": [f"股票{at}" for at in range(size)], "area": "上海",
                "industry": [f"行业{at % 60}" for at in range(size)], "market": "主板",
                "exchange": ["SSE" if code.endswith("SH") else "SZSE" for code in self.codes], "list_status": "L",
                "list_date": "20050105", "delist_date": pl.Series([None] * size, dtype=pl.String), "is_hs": "N",
            }
        )  # fmt: skip

    def session(self, day: date) -> dict[str, pl.DataFrame]:
        """Return the next session's rows of each table."""
        random, size = self._random, len(self.codes)
        before = self._close
        pays = random.random(size) < 1 / EX_RIGHTS_A_YEAR
        pre_close = np.where(pays, before * 0.97, before).round(2)
        self._factor = (self._factor * np.where(pays, before / pre_close, 1.0)).round(6)
        upper, lower = (np.floor(pre_close * (1 + side) * 100 + 0.5 + 1e-6) / 100 for side in (LIMIT, -LIMIT))
        moves = random.normal(0, 0.018, (4, size)) + (np.log(20) - np.log(pre_close)) * 0.001
        prices = np.clip((pre_close * np.exp(moves)).round(2), lower, upper)
        opened, close = prices[0], prices[1]
        high, low = prices.max(axis=0), prices.min(axis=0)
        vol = random.uniform(5_000, 500_000, size).round(2)
        amount = (vol * (high + low) / 2 / 10).round(3)
        self._close = close
        keys = {"ts_code": self.codes, "trade_date": f"{day:%Y%m%d}"}
        daily = {
            "open": opened, "high": high, "low": low, "close": close, "pre_close": pre_close,
            "change": (close - pre_close).round(2), "pct_chg": ((close / pre_close - 1) * 100).round(4), "vol": vol,
            "amount": amount,
        }  # fmt: skip
        return {
            "daily": pl.DataFrame(keys | daily),
            "adj_factor": pl.DataFrame(keys | {"adj_factor": self._factor}),
            "stk_limit": pl.DataFrame(keys | {"up_limit": upper, "down_limit": lower}),
        }


def write_market(folder: Path, sessions: Sequence[date], stocks: int = STOCKS, suffix: str = ".parquet") -> int:
    """Write the files of some sessions and the list of stocks; return the rows of bars."""
    market = Market(stocks)
    _write(market.stock_basic(), folder / f"stock_basic{suffix}")
    rows = 0
    for day, tables in _sessions(market, sessions):
        for name, frame in tables.items():
            _write(frame, folder / name / f"{day:%Y%m%d}{suffix}")
        rows += tables["daily"].height
    return rows


def _sessions(market: Market, sessions: Sequence[date]) -> Iterator[tuple[date, dict[str, pl.DataFrame]]]:
    for day in sessions:
        yield day, market.session(day)


def _write(frame: pl.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".csv":
        frame.write_csv(path)
    else:
        frame.write_parquet(path)
