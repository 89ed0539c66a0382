"""Which hook a connection of market data needs: the connection's type says it."""

from __future__ import annotations

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from ljwx.hooks.tencent import TencentHook
from ljwx.hooks.tushare import RateLimiter, TushareHook
from ljwx.resources import TUSHARE_CONN_ID


def market_hook(limiter: RateLimiter | None = None) -> TencentHook | TushareHook:
    """Return the hook that the connection `tushare_default` names by its type: k-lines, or else TuShare."""

    try:
        kind = BaseHook.get_connection(TUSHARE_CONN_ID).conn_type
    except AirflowNotFoundException:
        kind = None
    return TencentHook(limiter=limiter) if kind == TencentHook.conn_type else TushareHook(limiter=limiter)
