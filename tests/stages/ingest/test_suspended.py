"""A source whose suspensions and bars contradict each other: what traded is kept, what did not is no bar."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from support_chain import MARKET, Database, ingest
from support_tasks import TaskRunner
from support_tushare import StartMarket, TushareServer

FIRST, LAST = "2025-12-01", "2026-02-13"
PRICES = ("open", "high", "low", "close", "pre_close", "vol", "amount")


@pytest.fixture(scope="module")
def odd(start_market: StartMarket) -> Iterator[TushareServer]:
    with start_market(*MARKET, "--odd-suspensions", "0.1") as server:
        yield server


def sent(server: TushareServer) -> tuple[dict[str, dict[str, dict[str, Any]]], set[tuple[str, str]]]:
    """Rows of `daily` by stock and day, oldest first; the stocks and days that `suspend_d` calls suspended."""
    span = {"start_date": FIRST.replace("-", ""), "end_date": LAST.replace("-", "")}
    bars: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for row in reversed(server.rows("daily", **span)):
        bars[row["ts_code"]][row["trade_date"]] = row
    halts = {(row["ts_code"], row["trade_date"]) for row in server.rows("suspend_d", suspend_type="S", **span)}
    return bars, halts


def judged(bars: dict[str, dict[str, dict[str, Any]]], halts: set[tuple[str, str]]) -> dict[str, set[tuple[str, str]]]:
    """What each row of a suspended stock is, seen beside the last row of it that had volume."""
    found: dict[str, set[tuple[str, str]]] = {"suspended": set(), "repeated": set(), "suspended_traded": set()}
    for code, rows in bars.items():
        before: dict[str, Any] = {}
        for day, row in rows.items():
            same = all(row[name] == before.get(name) for name in PRICES)
            if (code, day) in halts:
                found["suspended" if row["vol"] == 0 else "repeated" if same else "suspended_traded"].add((code, day))
            before = row if row["vol"] else before
    return found


def test_a_bar_with_volume_is_kept_and_flagged_and_rows_of_resting_stocks_are_in_quarantine(
    warehouse_url: str, odd: TushareServer, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", odd.connection())
    db = Database(warehouse_url)
    ingest(tasks, FIRST, LAST)
    expected = judged(*sent(odd))
    assert all(expected.values()), {name: len(found) for name, found in expected.items()}
    refused = db.rows("SELECT ts_code, to_char(session, 'YYYYMMDD') AS day, reasons FROM ljwx.quarantine")
    for reason in ("suspended", "repeated"):
        found = {(row["ts_code"], row["day"]) for row in refused if row["reasons"] == [reason]}
        assert found == expected[reason]
    assert len(refused) == len(expected["suspended"] | expected["repeated"])
    flagged = "SELECT ts_code, to_char(session, 'YYYYMMDD') FROM ljwx.bars WHERE 'suspended_traded' = ANY (flags)"
    assert {tuple(row.values()) for row in db.rows(flagged)} == expected["suspended_traded"]
    assert db.column("SELECT session FROM ljwx.ingest_days WHERE NOT complete") == []
    assert db.value("SELECT sum(expected - received) FROM ljwx.ingest_days") == 0
