"""The market that a portfolio is simulated in: prices and what could be traded, sessions by stocks. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ljwx.core.labels.costs import stamp_duty
from ljwx.core.labels.tradable import locked_down, locked_up
from ljwx.exceptions import BadData

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Market:
    """Arrays of sessions × stocks; prices are raw × adj_factor.

    :param open: NaN where the stock did not trade. ``close``: the last known one, NaN before the first.
    :param buyable: at the open: it trades, and not at its up limit alone. ``sellable``: at the close likewise.
    :param turnover: CNY; NaN where it is not known.
    :param duty: (sessions) stamp duty of a sale, a fraction.
    """

    sessions: tuple[date, ...]
    stocks: tuple[str, ...]
    open: Floats
    close: Floats
    buyable: Bools
    sellable: Bools
    turnover: Floats
    duty: Floats

    def laid_out(self, signals: pl.DataFrame) -> Floats:
        """Return sessions × stocks of a frame with session, ts_code and signal; NaN where it says nothing.

        :raises BadData: it speaks of a session or a stock that the market does not have, or twice of one.
        """
        rows = pl.DataFrame({"session": self.sessions}).with_row_index("row")
        columns = pl.DataFrame({"ts_code": self.stocks}).with_row_index("column")
        placed = signals.join(rows, on="session", how="left").join(columns, on="ts_code", how="left")
        strange = placed.filter(pl.any_horizontal(pl.col("row", "column").is_null()))
        if len(strange):
            session, code = strange.select("session", "ts_code").row(0)
            raise BadData(f"answers about {code} as of {session}, of which there are no bars")
        if placed.select(pl.struct("row", "column").is_duplicated().any()).item():
            raise BadData("two answers about one stock as of one session")
        found = np.full((len(self.sessions), len(self.stocks)), np.nan)
        found[placed["row"].to_numpy(), placed["column"].to_numpy()] = placed["signal"].to_numpy()
        return found


def market_of(bars: pl.DataFrame, sessions: Sequence[date]) -> Market:
    """Lay bars out on the grid of sessions and stocks.

    :param bars: BARS frame.
    :param sessions: the exchange's, in order; bars of others are left out.
    """
    stocks = bars["ts_code"].unique().sort()
    days = pl.DataFrame({"session": pl.Series(sessions, dtype=pl.Date)})
    factor = pl.col("adj_factor")
    known = bars.filter(pl.all_horizontal(pl.col("open", "close", "adj_factor").is_not_null())).select(
        "session", "ts_code", open=pl.col("open") * factor, close=pl.col("close") * factor,
        up=locked_up().fill_null(False), down=locked_down().fill_null(False), turnover=pl.col("amount") * 1000,
    )  # fmt: skip
    grid = days.join(stocks.to_frame(), how="cross").join(
        known, on=["session", "ts_code"], how="left", maintain_order="left"
    )
    shape = (len(sessions), len(stocks))
    values = {
        name: grid[name].cast(pl.Float64).fill_null(float("nan")).to_numpy().reshape(shape)
        for name in ("open", "close", "up", "down", "turnover")
    }
    traded = ~np.isnan(values["open"])
    return Market(
        sessions=tuple(sessions),
        stocks=tuple(stocks),
        open=values["open"],
        close=_filled(values["close"]),
        buyable=traded & (values["up"] != 1),
        sellable=traded & (values["down"] != 1),
        turnover=values["turnover"],
        duty=days.select(stamp_duty(pl.col("session")).alias("duty"))["duty"].to_numpy(),
    )


def _filled(values: Floats) -> Floats:
    """Return each column with its gaps filled by the last value before."""
    place = np.where(np.isnan(values), 0, np.arange(len(values))[:, None])
    return np.asarray(np.take_along_axis(values, np.maximum.accumulate(place, axis=0), axis=0))
