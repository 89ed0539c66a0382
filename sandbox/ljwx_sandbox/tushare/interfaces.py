"""The interfaces served: their columns, caps and what they cannot do without."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ljwx_sandbox.tushare.wire import Query, WireError, required


class Block(Protocol):
    """Some rows of an answer, kept by column so that only what is asked for is made."""

    @property
    def size(self) -> int:
        """How many rows there are."""

    def column(self, name: str, lo: int, hi: int) -> Sequence[object]:
        """Return rows `lo` to `hi` of a column as JSON values."""


class Source(Protocol):
    """Where rows come from: the simulated market or a folder."""

    def blocks(self, api: str, query: Query) -> Iterator[Block]:
        """Yield the rows of an answer in the order they are served; offset and limit are not this method's business."""


@dataclass(frozen=True)
class ListBlock:
    """A block over plain lists."""

    columns: dict[str, list[object]]

    @property
    def size(self) -> int:
        """How many rows there are."""
        return len(next(iter(self.columns.values()), []))

    def column(self, name: str, lo: int, hi: int) -> Sequence[object]:
        """Return rows `lo` to `hi`; a column that the source lacks is null throughout."""
        found = self.columns.get(name)
        return found[lo:hi] if found is not None else [None] * (hi - lo)

    @classmethod
    def of_records(cls, names: Sequence[str], records: Iterable[Sequence[object]]) -> ListBlock:
        """Turn rows into columns."""
        rows = list(records)
        return cls({name: [row[at] for row in rows] for at, name in enumerate(names)})


@dataclass(frozen=True)
class Interface:
    """One API.

    :param default: columns of an answer when `fields` is empty.
    :param hidden: columns given only when named.
    :param cap: rows at most in one answer; None for no cap.
    :param needs: parameters of which one must be given.
    """

    default: tuple[str, ...]
    hidden: tuple[str, ...] = ()
    cap: int | None = None
    needs: tuple[str, ...] = ()

    def columns(self, asked: Sequence[str]) -> tuple[str, ...]:
        """Return the columns of the answer: those asked for that exist, in the order asked."""
        known = {*self.default, *self.hidden}
        return tuple(name for name in asked if name in known) or self.default

    def check(self, query: Query) -> WireError | None:
        """Return the error of a query that lacks what is needed."""
        if not self.needs or any(query.given.get(name) for name in self.needs):
            return None
        return required(self.needs[0])


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Some of the columns that TuShare has; of a quarter there are more than a hundred.
_FIGURES = Interface(_names("ts_code ann_date end_date roe or_yoy netprofit_yoy"), ("update_flag",))
_EXPRESS = Interface(_names("ts_code ann_date end_date diluted_roe yoy_net_profit yoy_sales yoy_dedu_np"))
_FORECAST = Interface(_names("ts_code ann_date end_date type p_change_min p_change_max first_ann_date"))
_BY_QUARTER = ("period", "ann_date", "ts_code", "start_date", "end_date")
_BY_DAY = ("trade_date", "ts_code", "start_date", "end_date")
INTERFACES: dict[str, Interface] = {
    "daily": Interface(
        _names("ts_code trade_date open high low close pre_close change pct_chg vol amount"),
        _names("ah_vol ah_amount"),
        6000,
        _BY_DAY,
    ),
    "adj_factor": Interface(_names("ts_code trade_date adj_factor"), needs=_BY_DAY),
    "daily_basic": Interface(
        _names(
            "ts_code trade_date close turnover_rate turnover_rate_f volume_ratio pe pe_ttm pb ps ps_ttm "
            "dv_ratio dv_ttm total_share float_share free_share total_mv circ_mv"
        ),
        cap=6000,
        needs=_BY_DAY,
    ),
    "moneyflow": Interface(
        _names(
            "ts_code trade_date buy_sm_vol buy_sm_amount sell_sm_vol sell_sm_amount buy_md_vol buy_md_amount "
            "sell_md_vol sell_md_amount buy_lg_vol buy_lg_amount sell_lg_vol sell_lg_amount buy_elg_vol buy_elg_amount "
            "sell_elg_vol sell_elg_amount net_mf_vol net_mf_amount"
        ),
        cap=6000,
        needs=_BY_DAY,
    ),
    "stock_basic": Interface(
        _names("ts_code symbol name area industry cnspell market list_date act_name act_ent_type"),
        _names("fullname enname exchange list_status curr_type delist_date is_hs"),
        6000,
    ),
    "trade_cal": Interface(_names("exchange cal_date is_open pretrade_date")),
    "suspend_d": Interface(_names("ts_code trade_date suspend_timing suspend_type"), cap=5000),
    "stk_limit": Interface(_names("trade_date ts_code up_limit down_limit"), _names("pre_close"), 5800, _BY_DAY),
    "namechange": Interface(_names("ts_code name start_date end_date ann_date change_reason"), cap=10_000),
    "index_daily": Interface(
        _names("ts_code trade_date close open high low pre_close change pct_chg vol amount"),
        cap=8000,
        needs=("ts_code",),
    ),
    "fina_indicator": replace(_FIGURES, cap=100, needs=("ts_code",)),
    "fina_indicator_vip": replace(_FIGURES, cap=6000, needs=_BY_QUARTER),
    "express": replace(_EXPRESS, needs=("ts_code",)),
    "express_vip": replace(_EXPRESS, cap=6000, needs=_BY_QUARTER),
    "forecast": replace(_FORECAST, needs=("ann_date", "ts_code")),
    "forecast_vip": replace(_FORECAST, cap=6000, needs=_BY_QUARTER),
    "bse_mapping": Interface(_names("name o_code n_code list_date"), cap=1000),
    # No cap is documented. Without one a long range would not come in pages here, and it may there.
    "index_weight": Interface(_names("index_code con_code trade_date weight"), cap=6000, needs=("index_code",)),
}

Rows = list[tuple[object, ...]]


def cut_page(blocks: Iterator[Block], names: Sequence[str], offset: int, limit: int | None) -> tuple[Rows, bool]:
    """Walk blocks to the page that `offset` and `limit` name, making no row outside it; say whether more follow."""
    rows: Rows = []
    for block in blocks:
        size = block.size
        if offset >= size:
            offset -= size
            continue
        room = size if limit is None else limit - len(rows)
        if room <= 0:
            return rows, True
        hi = min(size, offset + room)
        rows.extend(zip(*(block.column(name, offset, hi) for name in names), strict=True))
        if hi < size:
            return rows, True
        offset = 0
    return rows, False
