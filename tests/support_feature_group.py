"""A second feature group, as a folder beside `technical` would define it: the open against the close before.

Its migration is `MIGRATION`; its prompt version names `{auction.gap_1}`.
"""

from __future__ import annotations

import polars as pl
import pytest

import ljwx.core.features
from ljwx.core.features import Feature, FeatureGroup
from ljwx.core.features.facts import Fact, percent
from ljwx.core.features.signals import Signal, State, above, below
from ljwx.core.features.technical import TECHNICAL
from ljwx.core.features.windows import Block, Column, shifted


def gaps(block: Block) -> dict[str, Column]:
    return {"gap_1": block.raw("open") * block.factor / shifted(block.close, 1) - 1}


AUCTION = FeatureGroup(
    name="auction",
    inputs=("open",),
    features=(Feature("gap_1", "fraction", 2, "open / close of 1 session ago - 1, adjusted.", "formula"),),
    indicators={gaps: ("gap_",)},
    facts=(Fact("auction", "gap_1", percent(pl.col("gap_1")), 2, ("跳空",)),),
    signals=(
        Signal(
            "gap",
            "竞价",
            "open against the close before",
            (above("gap_1", 0.005, "高开", "up"), below("gap_1", -0.005, "低开", "down"), State("平开", "level")),
        ),
    ),
)
MIGRATION = """
ALTER TABLE ljwx.features ADD COLUMN gap_1 double precision;
CREATE OR REPLACE VIEW ljwx.current_features AS SELECT * FROM ljwx.features WHERE superseded_at IS NULL;
DELETE FROM ljwx.feature_marks;
"""


@pytest.fixture
def two_groups(monkeypatch: pytest.MonkeyPatch) -> tuple[FeatureGroup, ...]:
    """The registry with the second group in it."""
    groups = (TECHNICAL, AUCTION)
    monkeypatch.setattr(ljwx.core.features, "GROUPS", groups)
    return groups
