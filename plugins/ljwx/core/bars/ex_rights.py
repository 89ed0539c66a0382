"""Reference prices where only closes and announcements are given. Pure: nothing here may import airflow, HTTP or SQL.

pre_close is the close before, unless the stock goes ex-right: then the exchange sets the reference
``(close - cash) / (1 + shares)``, rounded half up to 0.01, cash and new shares being per share held.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

_CENT = Decimal("0.01")
_TEN = Decimal(10)
_CASH_ROUNDING = Decimal("0.01")
"""CNY per ten shares: the announcement's own figure of the cash may be rounded."""
_PART = re.compile(r"(?:10)?(?:派(?:发)?(?:现金)?(\d+(?:\.\d+)?)元|(?:送(?:红股)?|转(?:增)?)(\d+(?:\.\d+)?)股)")
_WHOLE = re.compile(rf"(?:{_PART.pattern}[\s,，;；、]*)+")


@dataclass(frozen=True)
class ExRight:
    """What one share receives.

    :param cash: CNY per share, before tax.
    :param shares: new shares per share, given (送) and converted (转) together.
    """

    cash: Decimal
    shares: Decimal


def parse_ex_right(announced: str, cash: str = "") -> ExRight | None:
    """Read an announcement such as ``10派2.36元`` or ``10送8股, 10转12股, 10派39.74元``: amounts per ten shares.

    :param cash: the source's own figure of the cash per ten shares, compared when it is a number.
    :return: None when any part of the text is not understood (rights issues, 配, among them), or the cash disagrees.
    """
    text = announced.strip()
    if not _WHOLE.fullmatch(text):
        return None
    found = _PART.findall(text)
    paid = sum((Decimal(each) for each, _ in found if each), Decimal(0))
    given = sum((Decimal(each) for _, each in found if each), Decimal(0))
    if re.fullmatch(r"\d+(\.\d+)?", cash) and abs(Decimal(cash) - paid) > _CASH_ROUNDING:
        return None
    return ExRight(paid / _TEN, given / _TEN)


def reference_price(close: float, ex_rights: Sequence[ExRight] = ()) -> float | None:
    """Return the reference price in CNY after a close, all the day's ex-rights together; None when there is none.

    There is none after a close that is no price, or when the cash exceeds the close.
    """
    if not math.isfinite(close) or close <= 0:
        return None
    cash = sum((each.cash for each in ex_rights), Decimal(0))
    shares = sum((each.shares for each in ex_rights), Decimal(0))
    price = (Decimal(repr(close)) - cash) / (1 + shares)
    return float(price.quantize(_CENT, ROUND_HALF_UP)) if price > 0 else None
