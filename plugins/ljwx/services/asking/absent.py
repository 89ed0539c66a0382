"""Why a stock cannot be asked about as of a day, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from ljwx.exceptions import NotFound
from ljwx.hooks.warehouse import WarehouseHook


def no_session(day: date | None, sessions: Sequence[date], stale: date | None) -> NotFound | None:
    """Say why no session can be asked about as of a day; None where one can.

    :param sessions: the complete ones.
    :param stale: the first session whose bars are newer than their features.
    """
    if not sessions:
        return NotFound(
            "no complete session in the warehouse yet; run ljwx_daily_ingest",
            "数据仓库里还没有完整的交易日;请先运行 ljwx_daily_ingest",
            "no_session",
        )
    if day is not None and day > sessions[-1]:
        return NotFound(
            f"nothing is known of {day} yet; the last complete session is {sessions[-1]}",
            f"还没有 {day} 的数据;最近一个完整的交易日是 {sessions[-1]}",
            "future",
        )
    if day is not None and day < sessions[0]:
        return NotFound(
            f"the warehouse begins with {sessions[0]}; nothing is known of {day}",
            f"数据从 {sessions[0]} 开始;没有 {day} 的数据",
            "too_early",
        )
    if stale is not None and (stale == sessions[0] or (day is not None and day >= stale)):
        return NotFound(
            f"bars from {stale} on wait for their features; let compute_features of ljwx_daily_ingest run",
            f"{stale} 起的行情还没有算出指标;请让 ljwx_daily_ingest 的 compute_features 运行",
            "stale",
        )
    return None


def no_stock(ts_code: str) -> NotFound:
    """Say that no such stock is known."""
    return NotFound(
        f"no stock {ts_code!r} is known; codes look like 000001.SZ or 600000.SH",
        f"没有代码为 {ts_code} 的股票;代码形如 000001.SZ 或 600000.SH",
        "unknown",
    )


def too_few_sessions(ts_code: str, session: date) -> NotFound:
    """Say that a stock has traded too short for its indicators."""
    return NotFound(
        f"{ts_code} has too few unbroken sessions up to {session} for its indicators",
        f"{ts_code} 到 {session} 为止连续交易的天数太少,算不出指标",
        "too_few_sessions",
    )


def no_bar(
    warehouse: WarehouseHook,
    bars: pl.DataFrame,
    instruments: pl.DataFrame,
    ts_code: str,
    session: date,
    look_back: int,
) -> NotFound:
    """Say why a known stock has no bar on a complete session.

    :param bars: of the last `look_back` sessions.
    """
    gone = _gone(instruments.filter(ts_code=ts_code), ts_code, session)
    if gone is not None:
        return gone
    traded = bars.filter(ts_code=ts_code).get_column("session").sort().to_list()
    seen = f"its last bar is of {traded[-1]}" if traded else f"it had no bar in {look_back} sessions"
    seen_zh = f"它最近一次成交在 {traded[-1]}" if traded else f"它在 {look_back} 个交易日里没有行情"
    why = warehouse.missing_bar(ts_code, session)
    if why.suspended:
        return NotFound(
            f"{ts_code} did not trade on {session}, it was suspended; {seen}",
            f"{ts_code} 在 {session} 停牌,没有成交;{seen_zh}",
            "suspended",
        )
    if why.refused:
        return NotFound(
            f"the row of {ts_code} on {session} is in ljwx.quarantine ({', '.join(why.refused)}); {seen}",
            f"{ts_code} 在 {session} 的行情没有通过校验({', '.join(why.refused)}),已隔离;{seen_zh}",
            "quarantined",
        )
    return NotFound(
        f"no bar of {ts_code} is stored on {session}; {seen}",
        f"没有 {ts_code} 在 {session} 的行情;{seen_zh}",
        "no_bar",
    )


def _gone(stock: pl.DataFrame, ts_code: str, session: date) -> NotFound | None:
    """Say that a code has another name by now, or is not listed on the session; None where it is."""
    listed, delisted, newer = (stock.item(0, name) for name in ("list_date", "delist_date", "renamed_to"))
    if newer and (delisted is None or delisted <= session):
        since, since_zh = (f" since {delisted}", f"自 {delisted} 起") if delisted else ("", "")
        return NotFound(
            f"{ts_code} is {newer}{since}; ask about that, or about an earlier day",
            f"{ts_code} {since_zh}改用代码 {newer};请用新代码提问,或问更早的日子",
            "renamed",
        )
    if delisted and delisted <= session:
        what = "delisted on" if stock.item(0, "end_reason") is None else "listed no more from"
        return NotFound(
            f"{ts_code} was {what} {delisted}; ask about an earlier day",
            f"{ts_code} 已于 {delisted} 退市;可以问更早的日子",
            "delisted",
        )
    if listed and listed > session:
        return NotFound(
            f"{ts_code} was listed on {listed}, after {session}",
            f"{ts_code} 在 {listed} 才上市,晚于 {session}",
            "not_listed_yet",
        )
    return None
