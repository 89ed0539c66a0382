"""What a share costs against what the company earns, owns and sells, as the source publishes it each session.

Pure: nothing here may import airflow, HTTP or SQL.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import polars as pl

from ljwx.core.bars.canonical import Capability
from ljwx.core.features.citable import cite_named
from ljwx.core.features.facts import Said, stated
from ljwx.core.features.group import FeatureGroup
from ljwx.core.features.tables import FEWEST_PEERS, FactTable, among_own, among_peers, percentile

SECTION: Final = "valuation"
YEAR: Final = 365
"""Days of a stock's own history that a ratio is ranked in."""
FEWEST_OWN: Final = 60
"""Sessions with a ratio below which its rank in the own history says nothing."""
_RATIOS: Final = ("pe_ttm", "pb", "ps_ttm")
_RANK: Final = Said("rank", usual=(1.5, 99.5))


def _prepare(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(
        size_rank=percentile("float_value", "session"),
        pe_industry=among_peers("pe_ttm"),
        pb_industry=among_peers("pb"),
        pe_history=among_own(rows, "pe_ttm", YEAR, FEWEST_OWN),
        pb_history=among_own(rows, "pb", YEAR, FEWEST_OWN),
    )


TABLE: Final = FactTable(
    name="valuations",
    capability=Capability.VALUATION,
    columns=(*_RATIOS, "turnover", "float_value"),
    prepare=_prepare,
    makes=(*_RATIOS, "turnover", "size_rank", "pe_industry", "pb_industry", "pe_history", "pb_history"),
    about=(
        "Prices over earnings and sales of twelve months and over book value, null for a loss; turnover in percent of "
        "the floating shares. `size` is the percentile of the value of these in the market, `…_industry` that of a "
        f"ratio among at least {FEWEST_PEERS} stocks of the industry, `…_history` that among the stock's own of a "
        f"year, of at least {FEWEST_OWN} sessions. What is not known is null: "
        "prompt version v2 says 无 of it, and no answer cites it."
    ),
    look_back=YEAR,
    impossible={
        "ratio": pl.any_horizontal(pl.col(name) <= 0 for name in _RATIOS),
        "turnover": ~pl.col("turnover").is_between(0, 100),
        "float_value": pl.col("float_value") <= 0,
    },
)
"""Price over earnings of twelve months, book value and sales of twelve months (null for a loss, or where unknown);
turnover in per cent of the floating shares; value of these in 10,000 CNY."""


_fact = partial(stated, SECTION)
_RATIO: Final = Said("ratio")
FACTS: Final = (
    _fact("pe", "pe_ttm", 1, _RATIO),
    _fact("pb", "pb", 2, _RATIO),
    _fact("ps", "ps_ttm", 2, _RATIO),
    _fact("turnover", "turnover", 2, Said("percent")),
    _fact("size", "size_rank", 0, _RANK),
    _fact("pe_industry", "pe_industry", 0, _RANK, industry=True),
    _fact("pb_industry", "pb_industry", 0, _RANK, industry=True),
    _fact("pe_history", "pe_history", 0, _RANK),
    _fact("pb_history", "pb_history", 0, _RANK),
)
"""The value of the floating shares is told as a percentile in the market: the number itself would name the stock."""

_line = partial(cite_named, FACTS)

VALUATION: Final = FeatureGroup(
    name="valuation",
    facts=FACTS,
    chosen=(
        _line("pe", "pe", "市盈率TTM", "P/E (TTM)"),
        _line("pb", "pb", "市净率", "P/B"),
        _line("ps", "ps", "市销率TTM", "P/S (TTM)"),
        _line("turnover", "turnover", "换手率", "turnover"),
        _line("size", "size", "流通市值", "float value"),
        _line("pe_industry", "pe_peers", "市盈率在行业中", "P/E in its industry"),
        _line("pb_industry", "pb_peers", "市净率在行业中", "P/B in its industry"),
        _line("pe_history", "pe_year", "市盈率在一年中", "P/E in its own year"),
        _line("pb_history", "pb_year", "市净率在一年中", "P/B in its own year"),
    ),
    table=TABLE,
)
