"""TuShare's interfaces that the pipeline uses: one verb each, naming the columns it wants."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from ljwx.exceptions import BadQuery
from ljwx.sources.rows import Table

LIST_STATES = ("L", "D", "P", "G")

DAILY = (
    "ts_code", "trade_date", "open", "high", "low", "close", "pre_close", "change", "pct_chg", "vol", "amount",
    "ah_vol", "ah_amount",
)  # fmt: skip
ADJ_FACTOR = ("ts_code", "trade_date", "adj_factor")
STK_LIMIT = ("trade_date", "ts_code", "up_limit", "down_limit")
SUSPEND = ("ts_code", "trade_date", "suspend_timing", "suspend_type")
DAILY_BASIC = ("ts_code", "trade_date", "pe_ttm", "pb", "ps_ttm", "turnover_rate", "circ_mv")
LARGE_BOUGHT, LARGE_SOLD = ("buy_lg_amount", "buy_elg_amount"), ("sell_lg_amount", "sell_elg_amount")
BOUGHT = ("buy_sm_amount", "buy_md_amount", *LARGE_BOUGHT)
MONEYFLOW = ("ts_code", "trade_date", *BOUGHT, *LARGE_SOLD)
_ANNOUNCED = ("ts_code", "ann_date", "end_date")
FINA_INDICATOR = (*_ANNOUNCED, "update_flag", "roe", "or_yoy", "netprofit_yoy")
EXPRESS = (*_ANNOUNCED, "diluted_roe", "yoy_sales", "yoy_dedu_np")
FORECAST = (*_ANNOUNCED, "type", "p_change_min", "p_change_max")
INDEX_DAILY = ("ts_code", "trade_date", "open", "high", "low", "close", "pre_close", "pct_chg")
INDEX_WEIGHT = ("index_code", "con_code", "trade_date", "weight")
TRADE_CAL = ("exchange", "cal_date", "is_open", "pretrade_date")
NAMES = ("ts_code", "name", "start_date", "end_date", "ann_date", "change_reason")
BSE_MAPPING = ("name", "o_code", "n_code", "list_date")
STOCKS = (
    "ts_code", "symbol", "name", "area", "industry", "market", "exchange", "list_status", "list_date", "delist_date",
    "is_hs",
)  # fmt: skip


class TushareInterfaces(ABC):
    """The verbs, over a `fetch` that sends the queries; dates are YYYYMMDD."""

    @abstractmethod
    def fetch(self, api_name: str, fields: tuple[str, ...], params: Mapping[str, Any]) -> Table:
        """Return all rows of a query, page after page; with `limit` among the params, one page.

        :param fields: the columns wanted; the interface's default columns when there are none.
        :raises BadToken, NoPermission, BadQuery, RateLimited: as the server says.
        :raises SourceUnavailable, MalformedAnswer: still so after the retry budget is spent.
        """

    def query(self, api_name: str, *, fields: Sequence[str], **params: Any) -> Table:
        """Return the rows of an interface in the columns wanted, at least one; errors as `fetch`."""
        if not fields:
            raise BadQuery(f"{api_name}: name the fields wanted")
        return self.fetch(api_name, tuple(fields), params)

    def daily(self, trade_date: str = "", **params: Any) -> Table:
        """Return raw bars of a session: prices in CNY, vol in lots of 100, amount in thousand CNY."""
        return self.query("daily", fields=DAILY, trade_date=trade_date, **params)

    def adj_factor(self, trade_date: str = "", **params: Any) -> Table:
        """Return adjustment factors of a session."""
        return self.query("adj_factor", fields=ADJ_FACTOR, trade_date=trade_date, **params)

    def stk_limit(self, trade_date: str = "", **params: Any) -> Table:
        """Return limit prices of a session."""
        return self.query("stk_limit", fields=STK_LIMIT, trade_date=trade_date, **params)

    def suspend_d(self, trade_date: str = "", **params: Any) -> Table:
        """Return suspensions (S) and resumptions (R) of a session; `suspend_timing` is null for a whole day."""
        return self.query("suspend_d", fields=SUSPEND, trade_date=trade_date, **params)

    def daily_basic(self, trade_date: str = "", **params: Any) -> Table:
        """Return ratios of a session, null for a loss; turnover in per cent, values in 10,000 CNY."""
        return self.query("daily_basic", fields=DAILY_BASIC, trade_date=trade_date, **params)

    def moneyflow(self, trade_date: str = "", **params: Any) -> Table:
        """Return what orders of each size bought and sold on a session, in 10,000 CNY; large is from 200,000 CNY on."""
        return self.query("moneyflow", fields=MONEYFLOW, trade_date=trade_date, **params)

    def fina_indicator_vip(self, period: str) -> Table:
        """Return figures of all companies of a quarter; `update_flag` 1 marks a correction.

        Growth on the year in per cent: `or_yoy` of the revenue, `netprofit_yoy` of the profit after minorities.
        """
        return self.query("fina_indicator_vip", fields=FINA_INDICATOR, period=period)

    def express_vip(self, period: str) -> Table:
        """Return preliminary figures of a quarter. `yoy_dedu_np` is the growth of the profit after minorities, in %.

        `yoy_net_profit`, whatever its name says, is last year's profit in CNY.
        """
        return self.query("express_vip", fields=EXPRESS, period=period)

    def forecast(self, ann_date: str) -> Table:
        """Return what companies announced on a day that they expect: a range of their profit's growth, in %."""
        return self.query("forecast", fields=FORECAST, ann_date=ann_date)

    def trade_cal(self, start: str, end: str, exchange: str = "SSE") -> Table:
        """Return the calendar from `start` to `end`, closed days included."""
        return self.query("trade_cal", fields=TRADE_CAL, exchange=exchange, start_date=start, end_date=end)

    def stock_basic(self) -> Table:
        """Return instruments in every list state; the default hides the delisted.

        Users ask for several states in one query, though TuShare documents one. An answer that has none but one state
        may be of a server that takes one: then each of the others is asked for by itself.
        """
        try:
            parts = [self.query("stock_basic", fields=STOCKS, list_status=",".join(LIST_STATES))]
        except BadQuery:
            parts = []
        came = {row[STOCKS.index("list_status")] for part in parts for row in part.rows}
        if len(came) < 2:
            others = [state for state in LIST_STATES if state not in came]
            parts += [self.query("stock_basic", fields=STOCKS, list_status=state) for state in others]
        return Table(STOCKS, [row for part in parts for row in part.rows], "stock_basic")

    def namechange(self, **params: Any) -> Table:
        """Return names and their periods; periods under special treatment may come twice."""
        return self.query("namechange", fields=NAMES, **params)

    def bse_mapping(self) -> Table:
        """Return the codes of the Beijing exchange that changed (o_code), and what they are now (n_code)."""
        return self.query("bse_mapping", fields=BSE_MAPPING)

    def index_weight(self, index_code: str, start: str, end: str, **params: Any) -> Table:
        """Return an index's lists of members from `start` to `end`; weights in per cent.

        TuShare documents a list a month, and no cap of rows: what it cuts is fetched page by page. Users report months
        with a list each day and months without one. An index that it does not know has no rows.
        """
        wanted = {"index_code": index_code, "start_date": start, "end_date": end, **params}
        return self.query("index_weight", fields=INDEX_WEIGHT, **wanted)

    def index_daily(self, ts_code: str, start: str, end: str) -> Table:
        """Return an index's levels from `start` to `end`, in points; an index that it does not know has none."""
        return self.query("index_daily", fields=INDEX_DAILY, ts_code=ts_code, start_date=start, end_date=end)
