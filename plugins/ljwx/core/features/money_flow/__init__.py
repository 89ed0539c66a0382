"""Who bought: the balance of large orders as a share of the turnover, on the session and over five.

Pure: nothing here may import airflow, HTTP or SQL.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from ljwx.core.bars.canonical import Capability
from ljwx.core.features.citable import cite
from ljwx.core.features.facts import Fact, Said
from ljwx.core.features.group import FeatureGroup
from ljwx.core.features.tables import FactTable

SECTION: Final = "flow"
SESSIONS: Final = 5
WITHIN: Final = 20
"""Days that the five sessions may lie in: the longest holiday, and a few; over a suspension there is no sum."""


def _prepare(rows: pl.DataFrame) -> pl.DataFrame:
    balance, session = pl.col("large_bought") - pl.col("large_sold"), pl.col("session")
    together = session - session.shift(SESSIONS - 1) <= pl.duration(days=WITHIN)
    summed = balance.rolling_sum(SESSIONS) / pl.col("traded").rolling_sum(SESSIONS)
    return rows.with_columns(
        large_1=pl.when(pl.col("traded") > 0).then(100 * balance / pl.col("traded")),
        large_5=pl.when(together).then(100 * summed).over("ts_code"),
    )


TABLE: Final = FactTable(
    name="money_flows",
    capability=Capability.MONEY_FLOW,
    columns=("large_bought", "large_sold", "traded"),
    prepare=_prepare,
    makes=("large_1", "large_5"),
    about=(
        "What orders of 200,000 CNY and more bought, less what they sold, in percent of the turnover: of the session, "
        f"and of {SESSIONS} sessions within {WITHIN} days."
    ),
    look_back=2 * WITHIN,
    impossible={
        "negative": pl.any_horizontal(pl.col(name) < 0 for name in ("large_bought", "large_sold", "traded")),
        "share": pl.max_horizontal("large_bought", "large_sold") > pl.col("traded") * 1.01 + 1,
    },
)
"""Large orders, of 200,000 CNY and more, that bought and that sold, and all that was traded, in 10,000 CNY."""

_SHARE: Final = Said("percent", usual=(-60.0, 60.0))
FACTS: Final = (
    Fact(SECTION, "large_1", pl.col("large_1"), 1, required=False, said=_SHARE),
    Fact(SECTION, "large_5", pl.col("large_5"), 1, required=False, said=_SHARE),
)

MONEY_FLOW: Final = FeatureGroup(
    name="money_flow",
    facts=FACTS,
    chosen=(
        cite(SECTION, FACTS[0], key="flow1", name="大单净买入占成交", english="large-order balance of the turnover"),
        cite(
            SECTION,
            FACTS[1],
            key="flow5",
            name="5日大单净买入占成交",
            english="5-day large-order balance of the turnover",
        ),
    ),
    table=TABLE,
)
