"""The page of features and places says what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import polars as pl

from ljwx.core import features
from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.features.tables import with_facts
from ljwx.core.snapshots.documentation import page
from ljwx.core.snapshots.snapshot import snapshots


def test_the_page_is_that_of_the_definitions(repository: Path) -> None:
    """`python -m ljwx.core.snapshots.documentation > docs/features.md` writes it anew."""
    assert (repository / "docs" / "features.md").read_text(encoding="utf-8") == page()


def test_the_page_names_every_feature_and_every_place_of_a_snapshot(make_market: Any, repository: Path) -> None:
    text = (repository / "docs" / "features.md").read_text(encoding="utf-8")
    market = make_market(stocks=1, count=90, seed=5)
    tables = [group.table for group in features.GROUPS if group.table]
    made = features.compute(market.bars)
    nothing = pl.Series([], dtype=pl.Float64)
    bare = [made.head(0).select("ts_code", "session", *(nothing.alias(n) for n in table.makes)) for table in tables]
    spec = SampleSpec(feature_groups=tuple(group.name for group in features.GROUPS))
    rows = snapshots(market.bars, with_facts(made, bare), spec, **market.profiles)
    snapshot = json.loads(rows.filter(pl.col("snapshot").is_not_null())["snapshot"][0])
    places = {
        f"{key}.{inner}" if isinstance(value, dict) else key
        for key, value in snapshot.items()
        for inner in (value if isinstance(value, dict) else [key])
    }
    assert set(re.findall(r"^\| `\{([a-z0-9_.]+)\}` \|", text, re.MULTILINE)) == places
    assert set(features.feature_names()) <= set(re.findall(r"^\| ([a-z0-9_]+) \|", text, re.MULTILINE))
