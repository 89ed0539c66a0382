"""Bars from the wire: joined, checked rule by rule, counted. Pure: nothing here may import airflow, HTTP or SQL."""

from ljwx.core.bars.chaining import LONGEST_OUTCOME, chained_for_features, chained_for_outcomes
from ljwx.core.bars.counts import UNIVERSE_TOLERANCE, DayCount, completeness, completeness_by_precedent, expected
from ljwx.core.bars.ex_rights import ExRight, parse_ex_right, reference_price
from ljwx.core.bars.frame import BARS, RAW, WIRE_NUMBERS, assemble, chain_factors
from ljwx.core.bars.limits import limit_band, limit_percent, limit_price, within_widest_limit
from ljwx.core.bars.reference import (
    index_members,
    instruments,
    instruments_seen,
    name_periods,
    special_treatment,
    suspensions,
    whole_lists,
)
from ljwx.core.bars.rules import BAR_RULES, BarRule
from ljwx.core.bars.validation import Checked, Context, check
from ljwx.core.bars.wire_schemas import WIRE_SCHEMAS, split_valid

__all__ = [
    "BARS",
    "BAR_RULES",
    "LONGEST_OUTCOME",
    "RAW",
    "UNIVERSE_TOLERANCE",
    "WIRE_NUMBERS",
    "WIRE_SCHEMAS",
    "BarRule",
    "Checked",
    "Context",
    "DayCount",
    "ExRight",
    "assemble",
    "chain_factors",
    "chained_for_features",
    "chained_for_outcomes",
    "check",
    "completeness",
    "completeness_by_precedent",
    "expected",
    "index_members",
    "instruments",
    "instruments_seen",
    "limit_band",
    "limit_percent",
    "limit_price",
    "name_periods",
    "parse_ex_right",
    "reference_price",
    "special_treatment",
    "split_valid",
    "suspensions",
    "whole_lists",
    "within_widest_limit",
]
