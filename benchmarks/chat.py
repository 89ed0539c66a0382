"""A chat answered by an analysis that asks the model: what the product adds to the model server's own time.

The server takes a fixed time for each of the four answers, as it says itself. Everything else is as in a chat: HTTP on
a port, the token, the message read by rules, the look at the tag, prompts, answers read and held against the facts, and
the report. The market is not read: an analyst that is kept does that once in five minutes.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any
from unittest.mock import patch

import requests

from benchmarks.workbench import Workbench, snapshots, workbench
from ljwx_sandbox.processes import free_port

SECONDS = 1.0
"""Of an answer in full: a model of 7 billion parameters takes longer on most machines, the demo's 8 s on two cores."""
SCRIPTED = ("--engine", "scripted", "--answer-seconds", str(SECONDS))
STOCKS = 12
WARM = 2
"""Of the stocks, those that are asked about first and not counted."""
SESSION = date(2026, 3, 2)
ANALYST = "ljwx.services.analysing.analyst"


def chat_overhead_vs_model() -> dict[str, Any]:
    """Seconds of a chat that asks about one stock / of the model server's own, as it tells them with its answers."""
    ratios, walls, servers = list[float](), list[float](), list[float]()
    with workbench(*SCRIPTED) as bench:
        _crown(bench)
        with _served(), _told_seconds() as told:
            url, token = _start()
            for number in range(STOCKS):
                told.clear()
                begin = time.perf_counter()
                _ask(url, token, number)
                wall = time.perf_counter() - begin
                if number >= WARM:
                    ratios.append(wall / sum(told))
                    walls.append(wall)
                    servers.append(sum(told))
    note = f"s for one stock, four answers of {SECONDS} s; the market as of the session is in memory"
    return {
        "value": statistics.median(ratios), "unit": "x", "ours": statistics.median(walls),
        "peer": statistics.median(servers), "runs": len(ratios), "note": note,
    }  # fmt: skip


def _crown(bench: Workbench) -> None:
    """Let the model of the bench be the champion, and its stocks be known."""
    import polars as pl
    import psycopg

    key, model, digest = bench.questions("classes")
    with psycopg.connect(bench.url, autocommit=True) as connection:
        connection.execute('UPDATE ljwx.datasets SET spec = \'{"prompt_version": "v1"}\'')
        connection.execute("UPDATE ljwx.models SET spec = %s, verified = '{}'", (bench.spec.model_dump_json(),))
        connection.execute(
            "INSERT INTO ljwx.aliases (alias, model, digest) VALUES ('champion', %s, %s)", (model, digest)
        )
    listed = [
        {"ts_code": f"{at:06d}.SZ", "list_status": "L", "list_date": date(2000, 1, 4), "name": f"股票{at}"}
        for at in range(STOCKS)
    ]
    bench.warehouse.save_instruments(key, pl.DataFrame(listed))


class _Market:
    """In the place of the market that is read: a snapshot of every stock."""

    def __init__(self, *_: Any) -> None:
        self._texts = snapshots(STOCKS, seed=5)

    def stock(self, code: str) -> Any:
        from ljwx.services.asking.stock import AskedStock

        return AskedStock(code, SESSION, self._texts[int(code[:6])], STOCKS, True)


@contextmanager
def _served() -> Iterator[None]:
    with patch(f"{ANALYST}.Market", _Market), patch(f"{ANALYST}.asked_session", lambda *_: SESSION):
        yield


@contextmanager
def _told_seconds() -> Iterator[list[float]]:
    """Collect the seconds that the model server says it took for each answer."""
    from ljwx.services import ask

    told, asked = list[float](), ask.ask_about

    def listen(*arguments: Any) -> Any:
        found = asked(*arguments)
        told.append(found.answer.server_s)
        return found

    with patch(f"{ANALYST}.ask_about", listen):
        yield told


def _start(per_minute: int = 1000) -> tuple[str, str]:
    """Serve on a port until the process ends; return the address and a token that asks so often at most."""
    import uvicorn

    from ljwx.api.app import make_app
    from ljwx.services.config import ServeSettings
    from ljwx.services.tokens import add_token

    port = free_port()
    server = uvicorn.Server(uvicorn.Config(make_app(ServeSettings()), port=port, log_level="error", access_log=False))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.05)
    return f"http://127.0.0.1:{port}", add_token("bench", per_minute).token


def _ask(url: str, token: str, number: int) -> None:
    message = {"role": "user", "content": f"分析{number:06d}.SZ的投资价值"}
    reply = requests.post(
        f"{url}/v1/chat/completions",
        json={"model": "ljwx-stock", "messages": [message]},
        headers={"Authorization": f"Bearer {token}"},
        timeout=120,
    )
    reply.raise_for_status()
    text = reply.json()["choices"][0]["message"]["content"]
    if "【AI 生成】" not in text:
        raise RuntimeError(f"no analysis came: {text[:200]}")
