"""What companies announced last of their business: figures of a quarter, and what they expect of the next.

Pure: nothing here may import airflow, HTTP or SQL.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import polars as pl

from ljwx.core.bars.canonical import Capability
from ljwx.core.features.announced import AnnouncedTable
from ljwx.core.features.citable import cite_named
from ljwx.core.features.facts import Said, stated
from ljwx.core.features.fundamentals.outlook import CODE, OUTLOOK, code_of
from ljwx.core.features.group import FeatureGroup
from ljwx.core.features.tables import FEWEST_PEERS, among_peers

SECTION: Final = "fundamentals"
LATEST: Final = 200
"""Days after which an announcement tells nothing any more: the longest time between two reports, and a few."""

REPORT: Final = "report"
EXPRESS: Final = "express"
FORECAST: Final = "forecast"


def _prepare(rows: pl.DataFrame) -> pl.DataFrame:
    """A forecast counts until figures of its period, or of a later one, are known."""
    is_open = (pl.col("figures_period") < pl.col("forecast_period")).fill_null(True)
    rows = rows.with_columns(
        roe=pl.col("figures_roe"),
        roe_quarter=pl.col("figures_period").dt.quarter().cast(pl.Float64),
        revenue_growth=pl.col("figures_revenue_growth"),
        profit_growth=pl.col("figures_profit_growth"),
        figures_age=(pl.col("session") - pl.col("figures_announced")).dt.total_days().cast(pl.Float64),
        profit_forecast=pl.when(is_open).then((pl.col("forecast_profit_low") + pl.col("forecast_profit_high")) / 2),
        **{CODE: pl.when(is_open).then(code_of("forecast_outlook"))},
    )
    return rows.with_columns(roe_industry=among_peers("roe"))


TABLE: Final = AnnouncedTable(
    name="fundamentals",
    capability=Capability.REPORTS,
    columns=("roe", "revenue_growth", "profit_growth", "profit_low", "profit_high"),
    texts=("outlook",),
    lines={"figures": (EXPRESS, REPORT), "forecast": (FORECAST,)},
    prepare=_prepare,
    makes=(
        "roe", "roe_quarter", "revenue_growth", "profit_growth", "roe_industry", "figures_age", "profit_forecast", CODE,
    ),
    about=(
        "The newest figures of a quarter, preliminary (`express_vip`) or reported: return on equity from the year's "
        "beginning to the end of `quarter`, growth of revenue and net profit on the year, in percent; `age`: days "
        f"since they were announced. `roe_industry` is a percentile among at least {FEWEST_PEERS} stocks of the "
        "industry. `forecast` is the middle of the range that the company expects for the growth of its net profit, "
        "until figures of that quarter are known. Each is shown from the first session after its announcement on, for "
        f"{LATEST} days; a correction, and what was seen later than announced, from the day on which it was seen. What "
        "was announced before the table was first filled is shown by the source's own day; what had been corrected by "
        "then, from that filling on."
    ),
    look_back=LATEST,
    impossible={
        "period": pl.col("period") != pl.col("period").dt.month_end(),
        "quarter": ~pl.col("period").dt.month().is_in([3, 6, 9, 12]),
        "announced": (pl.col("kind") != FORECAST) & (pl.col("announced") <= pl.col("period")),
    },
)  # fmt: skip
"""Percent. A row is one announcement; `corrected`: TuShare's update_flag."""

_fact = partial(stated, SECTION)
_MOVE: Final = Said("percent", "move")
FACTS: Final = (
    _fact("roe", "roe", 1, Said("percent")),
    _fact("quarter", "roe_quarter", 0, Said()),
    _fact("revenue", "revenue_growth", 0, _MOVE),
    _fact("profit", "profit_growth", 0, _MOVE),
    _fact("roe_industry", "roe_industry", 0, Said("rank", usual=(1.5, 99.5)), industry=True),
    _fact("age", "figures_age", 0, Said()),
    _fact("forecast", "profit_forecast", 0, _MOVE),
)
"""Whole percent of growth: few tokens, and fewer stocks that the number alone would name."""

_line = partial(cite_named, FACTS)

FUNDAMENTALS: Final = FeatureGroup(
    name="fundamentals",
    facts=FACTS,
    signals=(OUTLOOK,),
    chosen=(
        _line("roe", "roe", "净资产收益率", "return on equity"),
        _line("quarter", "quarter", "所报季度", "quarter reported"),
        _line("revenue", "revenue", "营业收入同比", "revenue on the year"),
        _line("profit", "profit", "净利润同比", "net profit on the year"),
        _line("roe_industry", "roe_peers", "净资产收益率在行业中", "return on equity in its industry"),
        _line("age", "age", "财报公告后天数", "days since the figures"),
        _line("forecast", "forecast", "预告净利润同比", "net profit forecast", OUTLOOK),
    ),
    table=TABLE,
)  # fmt: skip
