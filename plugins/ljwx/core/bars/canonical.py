"""What a source of market data hands over: capabilities, columns, units. Pure: nothing here may import airflow or SQL.

Codes are TuShare's (000001.SZ), days are dates, prices are raw and in CNY. A value that the source does not give, or
that is not of its column's type, is null.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any

import polars as pl


class Capability(Enum):
    """What a source may give besides bars. The value is the name that `ljwx.ingest_days.absent` stores."""

    CALENDAR = "trade_cal"
    """On which days the exchange was open."""
    INSTRUMENTS = "stock_basic"
    """Every stock, delisted ones included, with its dates."""
    NAMES = "namechange"
    """What each stock was called, and when."""
    FACTORS = "adj_factor"
    """Published adjustment factors."""
    LIMITS = "stk_limit"
    """Published limit prices."""
    SUSPENSIONS = "suspend_d"
    """Which stocks did not trade."""
    MEMBERS = "index_weight"
    """Lists of an index's members."""
    INDEXES = "index_daily"
    """Daily levels of indexes."""
    RENAMES = "bse_mapping"
    """Which code took the place of which."""
    VALUATION = "daily_basic"
    """Each session's ratios of price to earnings, book and sales, turnover, and value of the floating shares."""
    MONEY_FLOW = "moneyflow"
    """Each session's large orders."""
    REPORTS = "fina_indicator_vip"
    """Figures of the companies' quarters, as they were announced."""
    EXPRESSES = "express_vip"
    """The same before they were audited."""
    FORECASTS = "forecast"
    """What companies expect of a quarter."""
    AMOUNTS = "amount"
    """Bars have an amount."""
    REFERENCES = "pre_close"
    """Bars have the exchange's own pre_close; a source without it derives one."""


EVERYTHING = frozenset(Capability)
ANNOUNCED = frozenset({Capability.REPORTS, Capability.EXPRESSES, Capability.FORECASTS})
OF_A_SESSION = EVERYTHING - {
    Capability.MEMBERS, Capability.INDEXES, Capability.RENAMES, Capability.VALUATION, Capability.MONEY_FLOW, *ANNOUNCED,
}  # fmt: skip
"""What a session of bars can lack; lists of members, and of renamed codes, belong to no session, and levels of indexes
and the facts of feature groups to no bar."""

QUOTES = ("open", "high", "low", "close", "pre_close", "vol", "amount", "ah_vol", "ah_amount")
CLAIMS = ("change", "pct_chg")
"""What the source says about a bar and ``check`` verifies; not stored."""
UNREFERENCED = "unreferenced"
"""Why a source that derives pre_close could not derive a row's; null where it could. Not stored."""
RAW = "raw"
"""The row as JSON, as the source sent it, where one of its values was not of its column's type; else null."""

_KEYS = {"ts_code": pl.String(), "session": pl.Date()}

FETCHED_BARS = pl.Schema(
    _KEYS | dict.fromkeys((*QUOTES, *CLAIMS), pl.Float64()) | {UNREFERENCED: pl.String(), RAW: pl.String()}
)
"""Bars, all rows that came: prices in CNY, vol in lots of 100, amount in thousand CNY, pct_chg in per cent. ah_vol and
ah_amount are of the after-hours trading."""
FACTORS = pl.Schema(_KEYS | {"adj_factor": pl.Float64()})
"""Adjustment factors: price times factor has no jump at an ex-right."""
LIMITS = pl.Schema(_KEYS | {"up_limit": pl.Float64(), "down_limit": pl.Float64()})
"""The day's limit prices in CNY."""
SUSPENSIONS = pl.Schema(_KEYS | {"kind": pl.String(), "timing": pl.String()})
"""Suspensions (kind S) and resumptions (R); timing is null for a whole day."""
INSTRUMENTS = pl.Schema(
    dict.fromkeys(("ts_code", "name", "industry", "market", "exchange", "list_status"), pl.String())
    | dict.fromkeys(("list_date", "delist_date"), pl.Date())
)
"""Stocks of all list states (L listed, D delisted, P paused, G approved); market is the board's Chinese name, exchange
SSE, SZSE or BSE, delist_date null while listed."""
NAMES = pl.Schema(
    dict.fromkeys(("ts_code", "name", "change_reason"), pl.String())
    | dict.fromkeys(("start_date", "end_date", "ann_date"), pl.Date())
)
"""Names over time; end_date is the last day, null while it lasts or where this row does not say it."""
RENAMES = pl.Schema(dict.fromkeys(("ts_code", "renamed_to", "name"), pl.String()) | {"list_date": pl.Date()})
"""Codes of which the exchange changed to another, whenever that was; list_date is the stock's."""
MEMBERS = pl.Schema({"index_code": pl.String()} | _KEYS | {"weight": pl.Float64()})
"""Members of an index by the list of a day (session); weight in per cent."""
CALENDAR = pl.Schema({"session": pl.Date(), "is_open": pl.Boolean(), RAW: pl.String()})
"""Calendar days; is_open is null where the source says neither yes nor no, and ``raw`` is what it says, as JSON."""

QUARANTINE = pl.Schema(_KEYS | {"reasons": pl.List(pl.String()), RAW: pl.String()})
"""Rejected rows: the stock and day they are kept under (null where they name none), why, and the row as JSON."""


@dataclass(frozen=True, eq=False)
class SourceRows:
    """The rows of one capability.

    :param usable: in the capability's columns above.
    :param rejected: columns of ``QUARANTINE``.
    """

    usable: pl.DataFrame
    rejected: pl.DataFrame


def as_json(values: dict[str, Any]) -> str:
    """Write values as JSON; what JSON does not have, a date or a number that is not finite, as text."""

    def plain(value: Any) -> Any:
        finite = not isinstance(value, float) or math.isfinite(value)
        return value if finite and not isinstance(value, date) else str(value)

    return json.dumps({name: plain(value) for name, value in values.items()}, ensure_ascii=False)
