"""The pages' stored data and stored analyses over HTTP, on a warehouse with a month of the whole market.

5,400 stocks, 24 sessions of bars, and 388,800 answers of the forward record, settled. What is asked is in memory or in
tables, as on the evening when everything was worked out once: the first answer of each route is not counted. One
client asks one thing after the other, through the token and everything else that a request goes through; the clock
stops when the body is there.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timezone
from typing import Any
from unittest.mock import patch

import psycopg
import requests

from benchmarks.asking import SCRIPTED
from benchmarks.chat import ANALYST, STOCKS, _crown, _Market, _start
from benchmarks.settle import RATES, filled
from benchmarks.warehouse import session_bars
from benchmarks.workbench import Workbench, workbench

ROUNDS = 20
ROUTES = (
    "stocks?q=00", "stocks/{code}", "stocks/{code}/bars", "record", "models", "decisions", "scores", "trainings",
    "data", "coverage", "lineage/{session}/{code}",
)  # fmt: skip


def page_p95_ms() -> dict[str, Any]:
    """95th percentile, over rounds of all routes, of the time that stored data take; `ours` is the slowest route's."""
    with workbench(*SCRIPTED) as bench:
        session, codes = _market_of(bench)
        with _asked_of(_start()) as ask:
            taken = {
                route: _timed(ask, [route.format(code=code, session=session) for code in codes]) for route in ROUTES
            }
    every = [each for times in taken.values() for each in times]
    slowest = max(taken, key=lambda route: _p95(taken[route]))
    note = f"ms; slowest {slowest}; median of all {statistics.median(every):.1f}"
    return _figure(_p95(every), _p95(taken[slowest]), len(every), note)


def stored_analysis_p95_ms() -> dict[str, Any]:
    """95th percentile of the time of an analysis that was asked for before; the market is in memory."""
    with workbench(*SCRIPTED) as bench:
        _market_of(bench)
        with _asked_of(_start()) as ask, patch(f"{ANALYST}.Market", _Market):
            taken = _timed(ask, [f"analysis/{at % STOCKS:06d}.SZ?language=zh" for at in range(STOCKS * 4)])
    return _figure(_p95(taken), max(taken), len(taken), f"ms; median {statistics.median(taken):.1f}")


def _market_of(bench: Workbench) -> tuple[date, list[str]]:
    """Let the bench have a champion, and a market with a settled record; return its last session and some stocks."""
    from ljwx.core.features import FEATURE_VERSION
    from ljwx.stages.forward.settle import settle_due

    _crown(bench)
    warehouse, key = filled(bench.url, {**RATES, "bench:model": "d" * 64})
    settle_due(warehouse, key)
    with psycopg.connect(bench.url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO ljwx.feature_marks SELECT session, %s, %s FROM ljwx.ingest_days",
            (FEATURE_VERSION, datetime.now(timezone.utc)),
        )
        connection.execute("ANALYZE")
    warehouse.finish_run(key)
    last = warehouse.complete_sessions()[-1]
    return last, session_bars(last)["ts_code"].to_list()[:ROUNDS]


@contextmanager
def _asked_of(served: tuple[str, str]) -> Iterator[Any]:
    url, token = served
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"

        def ask(route: str) -> float:
            begin = time.perf_counter()
            reply = session.get(f"{url}/ljwx/api/v1/{route}", timeout=120)
            taken = time.perf_counter() - begin
            reply.raise_for_status()
            return 1000 * taken

        yield ask


def _timed(ask: Any, routes: list[str]) -> list[float]:
    """Ask each once without counting it, then again."""
    for route in dict.fromkeys(routes):
        ask(route)
    return [ask(route) for route in routes]


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def _figure(value: float, worst: float, runs: int, note: str) -> dict[str, Any]:
    return {"value": value, "unit": "ms", "ours": worst, "peer": 300.0, "runs": runs, "note": note}
