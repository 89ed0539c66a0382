"""A hundred clients that ask for stored analyses for a minute, each the next one as soon as it has its answer.

They are a process of their own beside the server, on the same cores, and read each answer in full.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import time
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import psutil

CLIENTS, SECONDS = 100, 60.0


def many_clients_p95_ms() -> dict[str, Any]:
    """95th percentile of the time of a stored analysis while a hundred clients ask; any error fails the bench."""
    from benchmarks.asking import SCRIPTED
    from benchmarks.chat import ANALYST, STOCKS, _Market, _start
    from benchmarks.pages import _asked_of, _market_of
    from benchmarks.workbench import workbench

    paths = [f"analysis/{at:06d}.SZ?language={language}" for at in range(STOCKS) for language in ("zh", "en")]
    with workbench(*SCRIPTED) as bench:
        _market_of(bench)
        with patch(f"{ANALYST}.Market", _Market):
            url, token = _start(100_000)
            with _asked_of((url, token)) as ask:
                for path in paths:
                    ask(path)
            process = psutil.Process()
            before = process.memory_info().rss
            taken = _in_a_process(url, token, [f"/ljwx/api/v1/{path}" for path in paths])
            grown = (process.memory_info().rss - before) / 2**20
    p95 = statistics.quantiles(taken, n=20)[-1]
    note = (
        f"ms; {len(taken) / SECONDS:.0f} answers a second, median {statistics.median(taken):.0f}, {grown:.0f} MB more"
    )
    return {"value": p95, "unit": "ms", "ours": max(taken), "peer": 1000.0, "runs": len(taken), "note": note}


def _in_a_process(url: str, token: str, paths: list[str]) -> list[float]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return list(pool.apply(_asked, (url, token, paths)))


def _asked(url: str, token: str, paths: list[str]) -> list[float]:
    """Return the milliseconds of each answer."""
    return asyncio.run(_all(url, token, paths))


async def _all(url: str, token: str, paths: list[str]) -> list[float]:
    end = time.monotonic() + SECONDS
    of_each = await asyncio.gather(*(_client(url, token, paths[at:] + paths[:at], end) for at in range(CLIENTS)))
    return [each for taken in of_each for each in taken]


async def _client(url: str, token: str, paths: list[str], end: float) -> list[float]:
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    taken = list[float]()
    while time.monotonic() < end:
        path = paths[len(taken) % len(paths)]
        begin = time.perf_counter()
        writer.write(f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        if " 200 " not in head.partition("\r\n")[0]:
            raise RuntimeError(f"no analysis came: {head}")
        await reader.readexactly(int(head.partition("content-length:")[2].split()[0]))
        taken.append(1000 * (time.perf_counter() - begin))
    writer.close()
    return taken
