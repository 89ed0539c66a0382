"""A third source: a class and a line in the list of `hooks/market.py` are all that the pipeline needs of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import polars as pl
import pytest
from airflow.sdk import Connection

from ljwx.core.bars import FETCHED_BARS, QUARANTINE, Capability, SourceRows
from ljwx.core.bars.canonical import CALENDAR, FACTORS
from ljwx.exceptions import NotYetPublished
from ljwx.hooks import market
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import TUSHARE_CONN_ID
from ljwx.sources.base import MarketSource, RateLimiter
from ljwx.stages.ingest.bars import ingest_bars
from ljwx.stages.ingest.plan import plan_ingest
from support_chain import Database, ingest
from support_tasks import TaskRunner

MONDAY, TUESDAY, WEDNESDAY = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)
STOCKS = ("000001.SZ", "600000.SH")
ABSENT = ["amount", "namechange", "pre_close", "stk_limit", "stock_basic", "suspend_d"]


class LedgerSource(MarketSource):
    """Bars and factors from the connection's extra; on Tuesday the exchange was closed."""

    offers = frozenset({Capability.CALENDAR, Capability.FACTORS})

    def __init__(self, factor: float, broken: Sequence[str], refused: Iterable[Capability]) -> None:
        super().__init__(refused)
        self._factor = factor
        self._broken = broken

    @classmethod
    def of_connection(
        cls, connection: Connection, limiter: RateLimiter | None = None, refused: Iterable[Capability] = ()
    ) -> LedgerSource:
        extra = connection.extra_dejson
        return cls(extra["factor"], extra["broken"], refused)

    def bars(self, sessions: Sequence[date]) -> pl.DataFrame:
        return pl.DataFrame([self._bar(stock, day) for day in sessions for stock in STOCKS], schema=FETCHED_BARS)

    def _bar(self, stock: str, day: date) -> dict[str, Any]:
        close = -1.0 if stock in self._broken and day == WEDNESDAY else 10.2
        prices = {"open": 10.0, "high": 10.5, "low": 9.5, "close": close, "pre_close": 10.2, "vol": 1000.0}
        return {"ts_code": stock, "session": day, **prices}

    def factors(self, sessions: Sequence[date]) -> SourceRows:
        rows = [(stock, day, self._factor) for day in sessions for stock in STOCKS]
        return SourceRows(pl.DataFrame(rows, schema=FACTORS, orient="row"), pl.DataFrame(schema=QUARANTINE))

    def calendar(self, first: date, last: date) -> pl.DataFrame:
        days = pl.date_range(first, last, eager=True)
        return pl.DataFrame([(day, day != TUESDAY, "") for day in days], schema=CALENDAR, orient="row")

    def test(self) -> tuple[bool, str]:
        return True, f"the ledger's factor is {self._factor}"


@pytest.fixture(autouse=True)
def listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one line that a new source needs."""
    monkeypatch.setattr(market, "SOURCES", {**market.SOURCES, "ledger": LedgerSource})
    use(monkeypatch)


def use(patch: pytest.MonkeyPatch, *broken: str) -> None:
    given = {"conn_type": "ledger", "extra": {"factor": 1.5, "broken": list(broken)}}
    patch.setenv(f"AIRFLOW_CONN_{TUSHARE_CONN_ID.upper()}", json.dumps(given))


def test_its_bars_arrive_with_what_it_declares_and_the_day_says_what_it_lacks(db: Database, tasks: TaskRunner) -> None:
    (chunk,) = ingest(tasks, f"{MONDAY}", f"{WEDNESDAY}")
    assert chunk == {"first": f"{MONDAY}", "last": f"{WEDNESDAY}", "absent": ",".join(ABSENT)}
    assert WarehouseHook().complete_sessions() == [MONDAY, WEDNESDAY]
    assert db.column("SELECT DISTINCT absent FROM ljwx.ingest_days") == [ABSENT]
    bars = db.rows(
        "SELECT ts_code, session, close, adj_factor, amount FROM ljwx.current_bars ORDER BY session, ts_code"
    )
    assert bars == [
        {"ts_code": stock, "session": day, "close": 10.2, "adj_factor": 1.5, "amount": None}
        for day in (MONDAY, WEDNESDAY)
        for stock in STOCKS
    ]
    assert db.column("SELECT ts_code FROM ljwx.current_instruments ORDER BY 1") == list(STOCKS)


def test_its_bad_rows_go_to_quarantine_under_the_common_rules(
    db: Database, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, *STOCKS)
    (chunk,) = tasks.run(plan_ingest, partition_key=f"{WEDNESDAY}")
    with pytest.raises(NotYetPublished, match="0 of 2 bars, 2 in quarantine"):
        tasks.run(ingest_bars, chunk)
    refused = db.rows("SELECT ts_code, reasons, raw->'close' AS close FROM ljwx.quarantine ORDER BY ts_code")
    assert [(row["ts_code"], row["close"]) for row in refused] == [(stock, -1.0) for stock in STOCKS]
    assert all({"positive", "order"} <= set(row["reasons"]) for row in refused)


def test_the_doctor_hears_what_it_says() -> None:
    assert market.try_market() == (True, "the ledger's factor is 1.5")
