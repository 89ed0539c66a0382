"""Which of TuShare's tables a file holds: its columns tell, whatever it is called; a joined file holds several."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ljwx.core.bars import Capability
from ljwx.sources.tushare import interfaces

DATES = frozenset({"trade_date", "list_date", "delist_date", "start_date", "end_date", "ann_date"})
"""Columns that hold days."""
CODES = frozenset({"ts_code", "o_code", "n_code"})


@dataclass(frozen=True)
class FileTable:
    """A table as files have it.

    :param name: TuShare's name of it.
    :param capability: what it gives besides bars; None of the bars themselves.
    :param known_by: a file with one of these columns is meant to hold the table; none: it is part of another.
    :param needed: columns without which it cannot be read.
    :param optional: columns that are null where the file has none.
    """

    name: str
    capability: Capability | None
    known_by: tuple[str, ...]
    needed: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that are read."""
        return (*self.needed, *self.optional)

    @property
    def is_of_days(self) -> bool:
        """Whether each row is of a session."""
        return "trade_date" in self.needed


_OPTIONAL_OF_BARS = ("change", "pct_chg", "ah_vol", "ah_amount")

DAILY = FileTable(
    "daily", None, ("open", "high", "low"),
    tuple(name for name in interfaces.DAILY if name not in _OPTIONAL_OF_BARS), _OPTIONAL_OF_BARS,
)  # fmt: skip
INDEX_DAILY = FileTable("index_daily", Capability.INDEXES, (), interfaces.INDEX_DAILY[:-1], interfaces.INDEX_DAILY[-1:])
"""Rows of :data:`DAILY` whose code is of an index: a file of them has the same columns."""
INDEX = r"^(000\d{3}\.SH|399\d{3}\.SZ|899\d{3}\.BJ)$"
"""Codes that the exchanges give to indexes and to no stock."""
ADJ_FACTOR = FileTable("adj_factor", Capability.FACTORS, ("adj_factor",), interfaces.ADJ_FACTOR)
STK_LIMIT = FileTable("stk_limit", Capability.LIMITS, ("up_limit", "down_limit"), interfaces.STK_LIMIT)
SUSPEND_D = FileTable(
    "suspend_d", Capability.SUSPENSIONS, ("suspend_type", "suspend_timing"),
    ("ts_code", "trade_date", "suspend_type"), ("suspend_timing",),
)  # fmt: skip
DAILY_BASIC = FileTable("daily_basic", Capability.VALUATION, ("pe_ttm", "ps_ttm", "circ_mv"), interfaces.DAILY_BASIC)
MONEYFLOW = FileTable("moneyflow", Capability.MONEY_FLOW, ("buy_elg_amount", "sell_elg_amount"), interfaces.MONEYFLOW)
STOCK_BASIC = FileTable(
    "stock_basic", Capability.INSTRUMENTS, ("list_status", "delist_date", "industry"),
    ("ts_code", "name", "list_date", "delist_date"), ("industry", "market", "exchange", "list_status"),
)  # fmt: skip
NAMECHANGE = FileTable(
    "namechange", Capability.NAMES, ("change_reason", "start_date"),
    ("ts_code", "name", "start_date", "end_date"), ("ann_date", "change_reason"),
)  # fmt: skip
BSE_MAPPING = FileTable("bse_mapping", Capability.RENAMES, ("o_code",), interfaces.BSE_MAPPING)

TABLES = (
    DAILY, INDEX_DAILY, ADJ_FACTOR, STK_LIMIT, SUSPEND_D, DAILY_BASIC, MONEYFLOW, STOCK_BASIC, NAMECHANGE, BSE_MAPPING,
)  # fmt: skip
"""Every table that is read from files."""


def tables_in(columns: Collection[str]) -> tuple[FileTable, ...]:
    """Return the tables that a file with these columns is meant to hold."""
    return tuple(table for table in TABLES if set(table.known_by) & set(columns))
