"""Bars from the wire: joined, checked rule by rule, counted. Pure: nothing here may import airflow, HTTP or SQL."""

from ljwx.core.bars.chaining import LONGEST_OUTCOME, chained_for_features, chained_for_outcomes
from ljwx.core.bars.checking import Checked, Context, check
from ljwx.core.bars.counts import UNIVERSE_TOLERANCE, DayCount, completeness, completeness_by_precedent, expected
from ljwx.core.bars.ex_rights import ExRight, parse_ex_right, reference_price
from ljwx.core.bars.frame import BARS, NUMBERS, RAW, assemble, chain_factors
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
from ljwx.core.bars.rules import RULES, Rule
from ljwx.core.bars.sides import SIDES, sift

__all__ = [
    "BARS",
    "LONGEST_OUTCOME",
    "NUMBERS",
    "RAW",
    "RULES",
    "SIDES",
    "UNIVERSE_TOLERANCE",
    "Checked",
    "Context",
    "DayCount",
    "ExRight",
    "Rule",
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
    "sift",
    "special_treatment",
    "suspensions",
    "whole_lists",
    "within_widest_limit",
]
