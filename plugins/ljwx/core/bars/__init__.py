"""Bars from the wire: joined, checked rule by rule, counted. Pure: nothing here may import airflow, HTTP or SQL."""

from ljwx.core.bars.chaining import LONGEST_OUTCOME, chained_for_features, chained_for_outcomes
from ljwx.core.bars.checking import Checked, Context, check
from ljwx.core.bars.counts import UNIVERSE_TOLERANCE, DayCount, completeness, completeness_by_precedent, expected
from ljwx.core.bars.frame import BARS, assemble, chain_factors
from ljwx.core.bars.limits import limit_band, limit_percent, limit_price
from ljwx.core.bars.reference import instruments, instruments_seen, name_periods, special_treatment, suspensions
from ljwx.core.bars.rules import RULES, Rule

__all__ = [
    "BARS",
    "LONGEST_OUTCOME",
    "RULES",
    "UNIVERSE_TOLERANCE",
    "Checked",
    "Context",
    "DayCount",
    "Rule",
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
    "special_treatment",
    "suspensions",
]
