"""What every feature group of the registry has to be, so that the rest can follow from it."""

from __future__ import annotations

from collections import Counter

import pytest

from ljwx.core.features import GROUPS, FeatureGroup, all_features, feature_names, inputs, running
from ljwx.core.snapshots.facts import facts_in, signals_in
from ljwx.warehouse.market.bars import MEASURES


@pytest.fixture(params=GROUPS, ids=lambda group: group.name)
def group(request: pytest.FixtureRequest) -> FeatureGroup:
    found: FeatureGroup = request.param
    return found


def test_no_name_stands_twice() -> None:
    places = [fact.column for fact in facts_in(GROUPS)]
    for names in (feature_names(), [g.name for g in GROUPS], places, [s.name for s in signals_in(GROUPS)]):
        assert max(Counter(names).values()) == 1


def test_a_feature_is_named_like_no_column_of_the_bars() -> None:
    assert not set(feature_names()) & set(MEASURES)


def test_the_inputs_are_what_indicators_read_and_what_factors_are_chained_from() -> None:
    assert set(inputs()) <= set(MEASURES)
    assert set(inputs()) == {"high", "low", "close", "pre_close", "vol", "adj_factor"}


def test_the_running_sum_is_continued() -> None:
    assert running() == ("obv",)
    assert [feature.name for feature in all_features() if feature.unit == "lots"] == ["obv"]


def test_every_feature_is_made_by_one_indicator(group: FeatureGroup) -> None:
    for feature in group.features:
        makers = [made for made, prefixes in group.indicators.items() if feature.name.startswith(prefixes)]
        assert len(makers) == 1, feature.name


def test_facts_and_signals_read_features_bars_and_what_the_group_derives(group: FeatureGroup) -> None:
    own = {feature.name for feature in group.features}
    bars = {*MEASURES, "ts_code", "session"}
    for expression in group.derived.values():
        assert set(expression.meta.root_names()) <= own | bars
    across = {column.name for column in group.across}
    for column in group.across:
        assert set(column.value.meta.root_names()) <= bars | set(feature_names()) | {"industry"}, column.name
    stated = set(group.table.makes) if group.table else set()
    known = own | bars | across | set(group.derived) | stated
    ranks = {f"rank_{name}" for name in own}
    assert set(group.needed) <= set(group.derived)
    for fact in group.facts:
        assert set(fact.value.meta.root_names()) <= known | ranks, fact.column
    for signal in group.signals:
        assert signal.columns <= known, signal.name
