"""Bars of a source: joined, checked rule by rule, counted. Pure: nothing here may import airflow, HTTP or SQL."""

from ljwx.core.bars.canonical import (
    CLAIMS,
    FETCHED_BARS,
    QUARANTINE,
    QUOTES,
    RAW,
    UNREFERENCED,
    Capability,
    SourceRows,
    as_json,
)
from ljwx.core.bars.chaining import LONGEST_OUTCOME, chained_for_features, chained_for_outcomes
from ljwx.core.bars.counts import UNIVERSE_TOLERANCE, DayCount, completeness, completeness_by_precedent, expected
from ljwx.core.bars.ex_rights import ExRight, parse_ex_right, reference_price
from ljwx.core.bars.frame import BARS, JOINED, assemble, chain_factors
from ljwx.core.bars.limits import limit_band, limit_percent, limit_price, within_widest_limit
from ljwx.core.bars.reference import (
    instruments,
    instruments_seen,
    name_periods,
    special_treatment,
    suspensions,
    whole_lists,
)
from ljwx.core.bars.rules import BAR_RULES, BarRule
from ljwx.core.bars.validation import Checked, Context, check

__all__ = [
    "BARS",
    "BAR_RULES",
    "CLAIMS",
    "FETCHED_BARS",
    "JOINED",
    "LONGEST_OUTCOME",
    "QUARANTINE",
    "QUOTES",
    "RAW",
    "UNIVERSE_TOLERANCE",
    "UNREFERENCED",
    "BarRule",
    "Capability",
    "Checked",
    "Context",
    "DayCount",
    "ExRight",
    "SourceRows",
    "as_json",
    "assemble",
    "chain_factors",
    "chained_for_features",
    "chained_for_outcomes",
    "check",
    "completeness",
    "completeness_by_precedent",
    "expected",
    "instruments",
    "instruments_seen",
    "limit_band",
    "limit_percent",
    "limit_price",
    "name_periods",
    "parse_ex_right",
    "reference_price",
    "special_treatment",
    "suspensions",
    "whole_lists",
    "within_widest_limit",
]
