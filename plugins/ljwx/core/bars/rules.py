"""The rules of a bar, as data. Pure: nothing here may import airflow, HTTP or SQL.

An expression is true where the rule is broken, null or false where it is not. Rules read the columns of an assembled
frame and those that ``validation`` adds: ``_copies``, ``_copy`` (how often the key comes, and which of equal copies
this is), ``_known``, ``list_date``, ``delist_date``, ``_age``, ``_open`` (the day is a session), ``_late`` (past the
run's day), ``_amounts`` (the source has amounts), ``_suspended``, ``_renamed`` (the stock has a row under a newer code
that day), ``_lower``, ``_upper`` (our limit prices; null without limit), ``_was_*`` (what the stock's last row with
volume says), ``_close``, ``_factor`` (of the stock's bar before).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from ljwx.core.bars.limits import TICK

PRICES = ("open", "high", "low", "close", "pre_close")
HALF_TICK = TICK / 2
AMOUNT_ROUNDING = 5.0
"""CNY: amounts of old data are rounded to 0.01 thousand."""
SHARES_ROUNDING = 1.0
"""Shares: volumes are rounded to 0.01 lots, in some sources downwards."""
FACTOR_TOLERANCE = 5e-4
"""Relative: how exactly real ex-rights keep pre_close * adj = close' * adj'."""
ROUNDING = 1e-6
"""CNY: the error of sums of binary fractions, far below a tick."""
REPEATED = ("open", "high", "low", "close", "pre_close", "vol", "amount")
"""What a row that repeats the one before has in common with it."""
NO_BAR = ("suspended", "repeated")
"""Reasons of rows that stand for no trade at all: without other reasons, no bar is missing where they were refused."""


@dataclass(frozen=True, eq=False)
class BarRule:
    """One way a bar can be wrong.

    :param name: what quarantine reasons and flags say.
    :param severity: hard: the row goes to quarantine; soft: it is kept, with the name among its flags.
    :param broken: true where the rule is broken.
    :param sentence: what the rule asks for.
    """

    name: str
    severity: Literal["hard", "soft"]
    broken: pl.Expr
    sentence: str


def _c(name: str) -> pl.Expr:
    return pl.col(name)


def _impossible(*names: str) -> pl.Expr:
    return pl.any_horizontal(_c(name).is_null() | ~_c(name).is_finite() for name in names)


def _not_finite(*names: str) -> pl.Expr:
    return pl.any_horizontal(_c(name).is_not_null() & ~_c(name).is_finite() for name in names)


def _outside_band() -> pl.Expr:
    published = _c("up_limit").is_not_null() & _c("down_limit").is_not_null()
    upper = pl.when(published).then(_c("up_limit")).otherwise(_c("_upper"))
    lower = pl.when(published).then(_c("down_limit")).otherwise(_c("_lower"))
    return (_c("high") > upper + ROUNDING) | (_c("low") < lower - ROUNDING)


def _vwap_outside(stretch: float) -> pl.Expr:
    """Compare money with shares * price, in CNY, each with its own rounding."""
    money, shares = _c("amount") * 1000, _c("vol") * 100
    most = _c("high") * stretch * (shares + SHARES_ROUNDING) + AMOUNT_ROUNDING
    least = _c("low") / stretch * (shares - SHARES_ROUNDING) - AMOUNT_ROUNDING
    return (money > most) | (money < least)


def _says_the_same(*names: str) -> pl.Expr:
    return pl.all_horizontal(_c(name).eq_missing(_c(f"_was_{name}")) for name in names)


_repeats = _says_the_same("open", "high", "low", "close", "vol", "amount")
_reference_repeats = _says_the_same("pre_close") & ((_c("pre_close") - _c("_was_close")).abs() > HALF_TICK)
"""A bar's pre_close is the close before: the one of the bar before says that it is a copy of that bar."""
_ex_right = (_c("pre_close") - _c("_close")).abs() > HALF_TICK
_factor_moved = (_c("adj_factor") / _c("_factor") - 1).abs() > 1e-9
_identity = (_c("pre_close") * _c("adj_factor") / (_c("_close") * _c("_factor")) - 1).abs()

BAR_RULES: tuple[BarRule, ...] = (
    BarRule(
        "keys",
        "hard",
        ~_c("ts_code").str.contains(r"^\d{6}\.(SH|SZ|BJ)$").fill_null(False) | _c("session").is_null(),
        "ts_code is six digits and an exchange, trade_date is a date.",
    ),
    BarRule(
        "types",
        "hard",
        _impossible("open", "high", "low", "close", "vol")
        | (_impossible("pre_close") & _c("unreferenced").is_null())
        | (_impossible("amount") & _c("_amounts"))
        | _not_finite("amount", "ah_vol", "ah_amount", "adj_factor", "up_limit", "down_limit")
        | (_c("raw").is_not_null() & _c("session").is_not_null()),
        "Prices, vol and amount are there, and every number is a finite number; amount where the source has it.",
    ),
    BarRule(
        "reference",
        "hard",
        _c("unreferenced").is_not_null(),
        "A source without pre_close gives what it is derived from: the close before and every ex-right.",
    ),
    BarRule(
        "positive",
        "hard",
        pl.any_horizontal(_c(name) <= 0 for name in (*PRICES, "adj_factor"))
        | pl.any_horizontal(_c(name) < 0 for name in ("vol", "amount", "ah_vol", "ah_amount")),
        "Prices and the factor are above 0, volumes and amounts not below.",
    ),
    BarRule(
        "order",
        "hard",
        (_c("high") < pl.max_horizontal("open", "close", "low"))
        | (_c("low") > pl.min_horizontal("open", "close", "high")),
        "low <= open, close <= high.",
    ),
    BarRule(
        "change",
        "hard",
        (_c("close") - _c("pre_close") - _c("change")).abs() > HALF_TICK + ROUNDING,
        "change is close - pre_close.",
    ),
    BarRule(
        "units", "hard", (_c("vol") > 0) & _vwap_outside(2.0), "amount / vol is a price: lots of 100 and thousand CNY."
    ),
    BarRule(
        "limits", "hard", _outside_band(), "high and low are inside the published limits, or else inside our own band."
    ),
    BarRule(
        "duplicate",
        "hard",
        _c("_renamed") | ((_c("_copies") > 1) & (_c("_copy").is_null() | (_c("_copy") > 0))),
        "A key comes once; of a renamed stock the row of its newest code counts.",
    ),
    BarRule("future", "hard", _c("_late"), "The session is not after the day of the run."),
    BarRule("closed_day", "hard", ~_c("_open"), "The day is a session of the exchange."),
    BarRule(
        "unlisted",
        "hard",
        ~_c("_known") | (_c("session") < _c("list_date")) | (_c("session") > _c("delist_date")),
        "The code is an instrument that was listed that day.",
    ),
    BarRule(
        "suspended",
        "hard",
        _c("_suspended") & (_c("vol") <= 0).fill_null(True),
        "A code that was suspended for the whole day has no row without volume.",
    ),
    BarRule(
        "repeated",
        "hard",
        _repeats & (_c("_suspended").fill_null(False) | _reference_repeats),
        "A row is not the one before once more, on a suspended day or with the same pre_close.",
    ),
    BarRule("suspended_traded", "soft", _c("_suspended"), "A stock that traded was not suspended for the whole day."),
    BarRule("no_trade", "soft", _c("vol") == 0, "Something was traded."),
    BarRule("vwap", "soft", (_c("vol") > 0) & _vwap_outside(1.0), "amount / vol is between low and high."),
    BarRule(
        "pct_chg",
        "soft",
        (_c("pct_chg") - 100 * (_c("close") / _c("pre_close") - 1)).abs() > 0.01,
        "pct_chg is 100 * (close / pre_close - 1).",
    ),
    BarRule(
        "limit_mismatch",
        "soft",
        ((_c("up_limit") - _c("_upper")).abs() > HALF_TICK) | ((_c("down_limit") - _c("_lower")).abs() > HALF_TICK),
        "The published limits are those of board and date.",
    ),
    BarRule("no_factor", "soft", _c("adj_factor").is_null(), "The bar has an adjustment factor."),
    BarRule(
        "factor_move",
        "soft",
        _factor_moved & ~_ex_right,
        "The factor moves only with an ex-right (pre_close is not the close before).",
    ),
    BarRule(
        "ex_right",
        "soft",
        _ex_right & (_identity > FACTOR_TOLERANCE),
        "On an ex-right the factor keeps pre_close * adj = close before * adj before.",
    ),
)
"""Every rule, the hard ones first."""
