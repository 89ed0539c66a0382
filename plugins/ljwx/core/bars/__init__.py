"""Bars from the wire: joined, checked rule by rule, counted. Pure: nothing here may import airflow, HTTP or SQL."""

from ljwx.core.bars.checking import Checked, Context, check
from ljwx.core.bars.counts import DayCount, completeness, expected
from ljwx.core.bars.frame import BARS, assemble, chain_factors
from ljwx.core.bars.limits import limit_band, limit_percent, limit_price
from ljwx.core.bars.reference import instruments, name_periods, special_treatment, suspensions
from ljwx.core.bars.rules import RULES, Rule

__all__ = [
    "BARS",
    "RULES",
    "Checked",
    "Context",
    "DayCount",
    "Rule",
    "assemble",
    "chain_factors",
    "check",
    "completeness",
    "expected",
    "instruments",
    "limit_band",
    "limit_percent",
    "limit_price",
    "name_periods",
    "special_treatment",
    "suspensions",
]
