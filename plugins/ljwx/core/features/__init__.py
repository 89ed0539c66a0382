"""Features of each stock as of each session, in groups. Pure: nothing here may import airflow, HTTP or SQL.

``GROUPS`` is the whole registry. What is computed, the columns that are read and written, what makes a session stale,
the facts and signals of a snapshot and the table in the documentation follow from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from ljwx.core.features.engine import computed
from ljwx.core.features.fundamentals import FUNDAMENTALS
from ljwx.core.features.group import Feature, FeatureGroup
from ljwx.core.features.index import INDEX
from ljwx.core.features.market import MARKET
from ljwx.core.features.money_flow import MONEY_FLOW
from ljwx.core.features.segments import segments
from ljwx.core.features.technical import TECHNICAL
from ljwx.core.features.valuation import VALUATION
from ljwx.core.features.windows import BLOCK_INPUTS

__all__ = [
    "ASKED_ALIKE", "FEATURE_VERSION", "GROUPS", "LOOK_BACK", "Feature", "FeatureGroup", "all_features", "compute",
    "feature_names", "groups_named", "groups_of", "inputs", "running", "segments",
]  # fmt: skip

GROUPS: tuple[FeatureGroup, ...] = (TECHNICAL, VALUATION, MONEY_FLOW, FUNDAMENTALS, MARKET, INDEX)
"""Every feature group, in the order in which prompts tell them; `technical` is first."""

FEATURE_VERSION = "2"
"""Changes whenever the definition of a feature changes; stored with whatever is made from features."""

ASKED_ALIKE = ("1",)
"""Earlier versions with the same places in a snapshot: a model made from them can be asked with today's snapshots.

Version 1 let rounding decide ties, and so the arbitrary scale of the factors.
"""

LOOK_BACK = 600
"""Bars of each stock before the first wanted session that make every recursion equal a full pass within 1e-9.

The slowest is RSI 24: (23/24) ** 600 is 8e-12. A running sum never forgets its start: it is continued from the stored
row instead.
"""

_CHAIN_INPUTS = ("close", "pre_close", "adj_factor")
"""What factors are chained from, and where a stock's runs begin anew: :mod:`ljwx.core.bars.chaining`."""


def all_features() -> tuple[Feature, ...]:
    """Every feature of every group, in the order of the frame's columns."""
    return tuple(feature for group in GROUPS for feature in group.features)


def feature_names() -> tuple[str, ...]:
    """The names of :func:`all_features`."""
    return tuple(feature.name for feature in all_features())


def running() -> tuple[str, ...]:
    """The features that a daily run continues from the stored rows."""
    return tuple(feature.name for feature in all_features() if feature.running)


def inputs() -> tuple[str, ...]:
    """The columns of the bars that features are made of: a correction of one of them makes features stale."""
    declared = (name for group in GROUPS for name in group.inputs)
    return tuple(dict.fromkeys((*BLOCK_INPUTS, *_CHAIN_INPUTS, *declared)))


def groups_named(names: Sequence[str]) -> tuple[FeatureGroup, ...]:
    """The groups of these names, in the order of the registry.

    :raises ValueError: naming those that are not there, and those that are.
    """
    known = {group.name: group for group in GROUPS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"no feature group {', '.join(unknown)}; there is {', '.join(known)}")
    return tuple(group for group in GROUPS if group.name in names)


def groups_of(snapshot: Mapping[str, Any]) -> tuple[FeatureGroup, ...]:
    """The groups whose facts a parsed snapshot holds, in the order of the registry."""
    return tuple(group for group in GROUPS if all(fact.name in snapshot.get(fact.section, ()) for fact in group.facts))


def compute(
    bars: pl.DataFrame,
    *,
    names: Sequence[str] | None = None,
    since: date | None = None,
    previous: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Compute the features of every group, or those named: see :func:`ljwx.core.features.engine.computed`."""
    return computed(bars, GROUPS, names=names, since=since, previous=previous)
