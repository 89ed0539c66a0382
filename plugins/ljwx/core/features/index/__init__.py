"""What the index of large companies did up to the session: the CSI 300, as its source states it.

Pure: nothing here may import airflow, HTTP or SQL. The group `market` has the plain mean of all stocks instead.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from ljwx.core.features.citable import cite
from ljwx.core.features.facts import Fact, Said
from ljwx.core.features.group import FeatureGroup
from ljwx.core.features.of_index import PERIODS, TABLE

SECTION: Final = "index"
FACTS: Final = tuple(
    Fact(SECTION, f"ret_{n}", pl.col(f"index_{n}"), 1, required=False, said=Said("percent", "move")) for n in PERIODS
)
"""Percent; null where a close that it takes is not there."""

INDEX: Final = FeatureGroup(
    name="index",
    facts=FACTS,
    chosen=tuple(
        cite(SECTION, fact, key=f"idx{n}", name=f"沪深300指数{n}日", english=f"{n}-day return of the CSI 300")
        for n, fact in zip(PERIODS, FACTS, strict=True)
    ),
    table=TABLE,
)
