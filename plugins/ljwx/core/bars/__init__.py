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
from ljwx.core.bars.codes import UNRENAMED, Codes
from ljwx.core.bars.counts import (
    UNIVERSE_TOLERANCE,
    DayCount,
    completeness,
    completeness_by_precedent,
    expected,
    is_complete,
    untold_tolerance,
)
from ljwx.core.bars.ex_rights import ExRight, parse_ex_right, reference_price
from ljwx.core.bars.frame import BARS, JOINED, assemble, chain_factors
from ljwx.core.bars.limits import limit_band, limit_percent, limit_price, within_widest_limit
from ljwx.core.bars.names import in_force, name_periods, special_treatment, withdrawn
from ljwx.core.bars.reference import instruments, instruments_seen, suspensions, whole_lists
from ljwx.core.bars.retiring import Known, Settled, linked, one_to_one, settle
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
    "UNRENAMED",
    "BarRule",
    "Capability",
    "Checked",
    "Codes",
    "Context",
    "DayCount",
    "ExRight",
    "Known",
    "Settled",
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
    "in_force",
    "instruments",
    "instruments_seen",
    "is_complete",
    "limit_band",
    "limit_percent",
    "limit_price",
    "linked",
    "name_periods",
    "one_to_one",
    "parse_ex_right",
    "reference_price",
    "settle",
    "special_treatment",
    "suspensions",
    "untold_tolerance",
    "whole_lists",
    "withdrawn",
    "within_widest_limit",
]
