"""What came true does not depend on where one began to read."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
from polars.testing import assert_frame_equal
from tests.core.conftest import hand_bars, instruments_of, weekdays

from ljwx.core.bars.chaining import chained_for_outcomes
from ljwx.core.bars.codes import Codes
from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.forward.outcomes import settle

DAYS = weekdays(dt.date(2024, 3, 4), 40)
STOCKS = [f"{600000 + place}.SH" for place in range(30)]


def test_factors_that_are_chained_from_another_session_change_no_outcome() -> None:
    generator = np.random.default_rng(5)
    steps = generator.normal(0, 0.02, size=(len(STOCKS), len(DAYS)))
    prices = (10 * np.exp(steps.cumsum(axis=1))).round(2)
    bars = hand_bars(DAYS, dict(zip(STOCKS, prices.tolist(), strict=True)))
    # An ex-right day of all stocks is among the sessions that one of the two reads leaves out.
    paid = pl.when(session=DAYS[7]).then((pl.col("pre_close") * 0.97).round(2)).otherwise("pre_close")
    bare = bars.with_columns(pre_close=paid, adj_factor=pl.lit(None, pl.Float64), unfactored=True)

    def settled(first: int) -> pl.DataFrame:
        read = chained_for_outcomes(bare.filter(pl.col("session") >= DAYS[first]), DAYS[first:]).drop("unfactored")
        asked = pl.DataFrame({"session": [DAYS[20]] * len(STOCKS), "ts_code": STOCKS, "task": "price_direction"})
        return settle(asked, read, instruments_of(STOCKS), DAYS[first:], SampleSpec(), {}, Codes())

    assert len(settled(10).drop_nulls("excess")) == len(STOCKS)
    assert_frame_equal(settled(0), settled(10), check_exact=True)
