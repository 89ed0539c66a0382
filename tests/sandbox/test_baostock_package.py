"""The official package `baostock`, unchanged but for the address it calls, against the sandbox's server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import baostock
import pytest
from baostock.common import contants, context

from support_tushare import TushareServer


@pytest.fixture
def package(tushare_server: TushareServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(contants, "BAOSTOCK_SERVER_IP", "127.0.0.1")
    monkeypatch.setattr(contants, "BAOSTOCK_SERVER_PORT", tushare_server.baostock_port)
    assert baostock.login().error_code == "0"
    context.default_socket.settimeout(30)
    yield baostock
    assert baostock.logout().error_code == "0"


def rows_of(answer: Any) -> list[dict[str, str]]:
    """Read an answer as the package's own examples do."""
    assert (answer.error_code, answer.error_msg) == ("0", "success")
    found = []
    while answer.error_code == "0" and answer.next():
        found.append(dict(zip(answer.fields, answer.get_row_data(), strict=True)))
    return found


def test_a_day_of_the_market(package: Any, tushare_server: TushareServer) -> None:
    rows = rows_of(package.query_daily_history_k_AStock(date="2026-03-03"))
    theirs = {row["ts_code"]: row["close"] for row in tushare_server.rows("daily", trade_date="20260303")}
    traded = {f"{row['code'][3:]}.{row['code'][:2].upper()}": row for row in rows if row["tradestatus"] == "1"}
    assert {code: float(row["close"]) for code, row in traded.items()} == {
        code: close for code, close in theirs.items() if not code.endswith(".BJ")
    }
    assert {row["isST"] for row in rows} == {"0", "1"}
    halted = {row["ts_code"] for row in tushare_server.rows("suspend_d", trade_date="20260303", suspend_type="S")}
    rested = [row for row in rows if row["tradestatus"] == "0"]
    assert {f"{row['code'][3:]}.{row['code'][:2].upper()}" for row in rested} == {
        code for code in halted if not code.endswith(".BJ")
    }
    assert all(row["volume"] == "0" and row["close"] == row["preclose"] for row in rested)


def test_the_levels_of_an_index_are_tushares(
    package: Any, tushare_server: TushareServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = "date,code,open,high,low,close,preclose,volume,amount,pctChg"
    asked = {"start_date": "2026-03-02", "end_date": "2026-03-06", "frequency": "d", "adjustflag": "3"}
    rows = rows_of(package.query_history_k_data_plus("sh.000300", fields, **asked))
    theirs = tushare_server.rows("index_daily", ts_code="000300.SH", start_date="20260302", end_date="20260306")
    assert [row["date"].replace("-", "") for row in rows] == [row["trade_date"] for row in reversed(theirs)]
    names = {"open": "open", "low": "low", "close": "close", "preclose": "pre_close", "pctChg": "pct_chg"}
    for ours, row in zip(rows, reversed(theirs), strict=True):
        assert {two: float(ours[one]) for one, two in names.items()} == {two: row[two] for two in names.values()}
        assert float(ours["volume"]) == pytest.approx(100 * row["vol"])
    monkeypatch.setattr(contants, "BAOSTOCK_PER_PAGE_COUNT", 2)
    assert rows_of(package.query_history_k_data_plus("sh.000300", fields, **asked)) == rows, "in pages"
    stock = package.query_history_k_data_plus("sh.600000", fields, **asked)
    assert stock.error_code == contants.BSERR_CODE_INVALIED, "not served here"


def test_the_calendar(package: Any) -> None:
    rows = rows_of(package.query_trade_dates(start_date="2026-02-27", end_date="2026-03-02"))
    assert [(row["calendar_date"], row["is_trading_day"]) for row in rows] == [
        ("2026-02-27", "1"), ("2026-02-28", "0"), ("2026-03-01", "0"), ("2026-03-02", "1"),
    ]  # fmt: skip


def test_the_list_of_securities_in_pages(package: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = rows_of(package.query_stock_basic())
    monkeypatch.setattr(contants, "BAOSTOCK_PER_PAGE_COUNT", 100)
    assert rows_of(package.query_stock_basic()) == whole
    assert {row["type"] for row in whole} == {"1", "2", "5"}
    (bank,) = rows_of(package.query_stock_basic(code="sh.600000"))
    assert (bank["type"], bank["status"], bank["outDate"]) == ("1", "1", "")


def test_industries(package: Any) -> None:
    (row,) = rows_of(package.query_stock_industry(code="sh.600000"))
    assert row["industry"]


def test_errors_are_codes(package: Any) -> None:
    wrong = package.query_trade_dates(start_date="2026-03-02", end_date="2026-03-01")
    assert wrong.error_code == contants.BSERR_START_BIGTHAN_END
    assert package.query_hs300_stocks().error_code == contants.BSERR_MESSAGE_CODE_ERROR, "not served here"


def test_a_query_after_the_session_is_lost_is_refused(package: Any, tushare_server: TushareServer) -> None:
    tushare_server.faults(query_trade_dates={"kind": "not_logged_in", "count": 1})
    assert package.query_trade_dates().error_code == contants.BSERR_NO_LOGIN
    assert package.query_stock_industry().error_code == contants.BSERR_NO_LOGIN


def test_a_wrong_password_is_refused(package: Any) -> None:
    context.default_socket.close()
    refused = package.login("somebody", "else")
    assert refused.error_code == contants.BSERR_USERNAMEORPASSWORD_ERR
    context.default_socket.close()
    assert package.login().error_code == "0"
