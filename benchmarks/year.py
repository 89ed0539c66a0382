"""A whole market through the first stage: sandbox wire → bars → features, by the task functions of a manual run.

A month stands for the year; ``LJWX_BENCH_SESSIONS=250`` takes all of it. Months are ingested by two processes, as the
pool of the ingest DAG has two slots. Peak memory is each process's own high-water mark (VmHWM); the database and the
stand-in server are not counted. Run it alone: ``python -m benchmarks.year``.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime, timezone
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import requests

REPOSITORY = Path(__file__).resolve().parents[1]
SESSIONS = REPOSITORY / "include" / "sessions" / "sse.txt"
STOCKS = 7_000
"""Codes of the simulated market: about 5,500 of them are listed on any day."""
FIRST = date(2024, 1, 17)
"""So that a month of sessions lies in two calendar months, and both processes have work, as in a year."""
MONTH, YEAR = 22, 250
RUNS = 3
"""Of a month; longer runs are measured once."""
SEED_ROWS_PER_S = 50 * 250 / 120
POOL_SLOTS = 2


def year_rows_vs_seed() -> dict[str, Any]:
    """Rows a second from the wire to features / those of 50 stocks x 250 rows in 120 s; the median of a few months."""
    sessions = int(os.environ.get("LJWX_BENCH_SESSIONS", MONTH))
    runs = sorted((measured(sessions) for _ in range(RUNS if sessions <= MONTH else 1)), key=lambda run: run["seconds"])
    run = runs[len(runs) // 2]
    ours = run["rows"] / run["seconds"]
    return {
        "value": ours / SEED_ROWS_PER_S, "unit": "x", "ours": ours, "peer": SEED_ROWS_PER_S, "runs": len(runs),
        "note": f"{run['rows']} rows of {run['sessions']} sessions; seconds: {run['parts']}; imports are done before",
    }  # fmt: skip


def year_peak_rss_mb() -> dict[str, Any]:
    """Largest process of the run, each task in one of its own; `ours` is that of one month, `peer` that of three."""
    wanted = int(os.environ.get("LJWX_BENCH_SESSIONS", MONTH))
    month, quarter, chosen = (peaks(sessions) for sessions in (MONTH, 3 * MONTH, wanted))
    return {
        "value": max(*month.values(), *quarter.values(), *chosen.values()), "unit": "MB",
        "ours": max(month.values()), "peer": max(quarter.values()), "runs": 1,
        "note": f"{MONTH} sessions: {month}; {3 * MONTH}: {quarter}; {wanted}: {chosen}",
    }  # fmt: skip


def baostock_calls_per_250_sessions() -> dict[str, Any]:
    """Count the messages, logins and lists among them, that 250 sessions of a market take from BaoStock."""
    first, last = _range(YEAR)
    dates = {"start_date": first, "end_date": last}
    with _peers(last, stocks=40, source="baostock") as environment, _workers(environment, 1) as worker:
        worker.submit(_task, "migrate_warehouse", {}).result()
        chunks, _ = worker.submit(_task, "plan_ingest", dates).result()
        for at, chunk in enumerate(chunks):
            worker.submit(_task, "ingest_bars", dates, chunk, at).result()
        stats = requests.get(environment["LJWX_BENCH_SERVER"] + "/_sandbox/stats", timeout=10).json()["baostock"]
    calls = stats["calls"]
    return {
        "value": float(sum(calls.values())), "unit": "", "ours": float(sum(calls.values())), "peer": 600.0, "runs": 1,
        "note": f"{calls}; at most {stats['most_at_a_time']} connection at a time",
    }  # fmt: skip


def measured(sessions: int) -> dict[str, Any]:
    """Time the stage over `sessions` sessions on an empty warehouse."""
    first, last = _range(sessions)
    with _peers(last) as environment, _workers(environment, POOL_SLOTS) as workers:
        list(workers.map(_warm, range(POOL_SLOTS)))
        return _run(workers, first, last) | {"sessions": sessions}


@cache
def peaks(sessions: int) -> dict[str, int]:
    """Return the peak of each task in MB, the largest of the mapped ones."""
    first, last = _range(sessions)
    dates = {"start_date": first, "end_date": last}

    def alone(*task: Any) -> Any:
        with _workers(environment, 1) as worker:
            result, peak = worker.submit(_task, *task).result()
        found[task[1]] = max(found.get(task[1], 0), round(peak))
        return result

    found: dict[str, int] = {}
    with _peers(last) as environment:
        alone("bars", "migrate_warehouse", {})
        chunks = alone("bars", "plan_ingest", dates)
        for at, chunk in enumerate(chunks):
            alone("bars", "ingest_bars", dates, chunk, at)
        alone("features", "compute_features", dates, chunks)
    return found


def _range(sessions: int) -> tuple[str, str]:
    days = [line for line in SESSIONS.read_text().splitlines() if line[:1].isdigit() and line >= FIRST.isoformat()]
    return days[0], days[sessions - 1]


def _run(workers: ProcessPoolExecutor, first: str, last: str) -> dict[str, Any]:
    parts = {}

    def timed(name: str, work: Any) -> Any:
        begin = time.perf_counter()
        results = list(work())
        parts[name] = round(time.perf_counter() - begin, 2)
        return [result for result, _ in results]

    dates = {"start_date": first, "end_date": last}
    timed("migrate", lambda: [workers.submit(_task, "migrate_warehouse", {}).result()])
    (chunks,) = timed("plan", lambda: [workers.submit(_task, "plan_ingest", dates).result()])
    begun = [workers.submit(_task, "ingest_bars", dates, chunk, at) for at, chunk in enumerate(chunks)]
    ingested = timed("ingest", lambda: [future.result() for future in begun])
    (made,) = timed("features", lambda: [workers.submit(_task, "compute_features", dates, chunks).result()])
    rows = sum(chunk["inserted"] for chunk in ingested)
    if made["inserted"] != rows:
        raise RuntimeError(f"{rows} bars, but {made['inserted']} feature rows")
    return {"rows": rows, "seconds": sum(parts.values()), "parts": parts}


def _warm(_: int) -> None:
    """Import what a task imports."""
    import ljwx.core.bars
    import ljwx.core.features
    import ljwx.hooks.market
    import ljwx.hooks.warehouse
    import ljwx.migrations
    import ljwx.settings  # noqa: F401

    time.sleep(0.5)


def _task(
    function: str, params: Mapping[str, str], *arguments: Any, settings: Mapping[str, Any] | None = None
) -> tuple[Any, float]:
    """Call a task's function with a context like Airflow's; return its result and the process's peak in MB.

    :param settings: laid over include/training_config.json.
    """
    import airflow.sdk
    from airflow.sdk.execution_time.context import set_current_context

    from ljwx import tasks

    text = json.dumps(settings) if settings else None
    given, at = (arguments[:1], arguments[1] if len(arguments) > 1 else -1) if arguments else ((), -1)
    ti = SimpleNamespace(dag_id="bench", run_id="manual__bench", task_id=function, map_index=at, try_number=1)
    after = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
    run = SimpleNamespace(partition_key=None, run_after=after, run_type="manual", run_id="manual__bench")
    outlets = _Outlets()
    context = {"ti": ti, "dag_run": run, "params": dict(params), "outlet_events": outlets}
    airflow.sdk.Variable.get = staticmethod(lambda _, default=None, **__: text or default)  # type: ignore[method-assign]
    with set_current_context(cast("Any", context)):
        result = getattr(tasks, function)(*given)
    return result, _peak_mb()


class _Outlets(dict[Any, Any]):
    def __missing__(self, key: Any) -> SimpleNamespace:
        return SimpleNamespace(extra={}, add_partitions=list)


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return float(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


@contextmanager
def _workers(environment: Mapping[str, str], count: int) -> Iterator[ProcessPoolExecutor]:
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        with ProcessPoolExecutor(count, multiprocessing.get_context("spawn")) as workers:
            yield workers
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _peers(last: str, stocks: int = STOCKS, source: str = "tushare") -> Iterator[dict[str, str]]:
    """A new database and a stand-in of the market's servers; yield the environment that names them."""
    from ljwx_sandbox.postgres import EmbeddedPostgres
    from ljwx_sandbox.processes import free_port

    with (
        tempfile.TemporaryDirectory(prefix="ljwx-bench-", ignore_cleanup_errors=True) as name,
        _market(last, stocks) as ports,
    ):
        folder = Path(name)
        folder.chmod(0o755)
        postgres = EmbeddedPostgres(folder / "postgres", free_port(), "for-the-bench-only")
        postgres.start()
        try:
            yield {
                "AIRFLOW_HOME": str(folder / "airflow"),
                "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
                "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
                "AIRFLOW_CONN_LJWX_POSTGRES": postgres.url("warehouse", "postgres"),
                "AIRFLOW_CONN_TUSHARE_DEFAULT": json.dumps(_connection(source, ports)),
                "LJWX_BENCH_SERVER": f"http://127.0.0.1:{ports[0]}",
            }  # fmt: skip
        finally:
            postgres.stop()


def _connection(source: str, ports: tuple[int, int]) -> dict[str, Any]:
    if source == "baostock":
        return {"conn_type": source, "host": "127.0.0.1", "port": ports[1], "extra": {"calls_per_minute": 100_000}}
    return {
        "conn_type": source, "host": "127.0.0.1", "port": ports[0], "schema": "http", "password": "sandbox-unlimited",
    }  # fmt: skip


@contextmanager
def _market(last: str, stocks: int) -> Iterator[tuple[int, int]]:
    """A simulated market; yield the ports of its TuShare and its BaoStock."""
    options = ["--port", "0", "--baostock-port", "0", "--stocks", str(stocks), "--origin", "2023-12-01", "--to", last]
    command = [sys.executable, "-m", "ljwx_sandbox.tushare", *options, "--sessions", str(SESSIONS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            port, other = (int((process.stdout or sys.stdin).readline().rsplit(":", 1)[1]) for _ in range(2))
            _make_prices(port)
            yield port, other
        finally:
            process.terminate()


def _make_prices(port: int) -> None:
    """Ask for one session: the stand-in makes a year's prices at the first question, which is no work of the wire."""
    asked = {"api_name": "daily", "token": "sandbox-unlimited", "params": {"trade_date": f"{FIRST:%Y%m%d}"}}
    requests.post(f"http://127.0.0.1:{port}/", json=asked, timeout=120).raise_for_status()


if __name__ == "__main__":
    figures = {"year_rows_vs_seed": year_rows_vs_seed(), "year_peak_rss_mb": year_peak_rss_mb()}
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
