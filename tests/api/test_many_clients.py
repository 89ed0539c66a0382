"""Many clients at a time: nobody gets an error, and memory stays what it was."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from statistics import quantiles

import psutil
import requests

from ljwx.api.app import make_app
from ljwx.services.config import ServeSettings
from ljwx.services.tokens import add_token
from support_chain import Database
from support_serve import STOCK, running

CLIENTS = 100
MINUTE, MOMENT = 60.0, 3.0
"""Seconds of the longer and of the usual range."""
MOST_MB = 64
"""That the process may grow by once it is warm; a leak of a report for each answer is more."""


@dataclass
class Seen:
    """What the clients saw, by all of them."""

    statuses: dict[int, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, status: int, seconds: float) -> None:
        with self.lock:
            self.statuses[status] = self.statuses.get(status, 0) + 1
            self.seconds.append(seconds)


def test_a_hundred_clients_get_their_stored_analyses(crowned: Database, long_range: bool) -> None:
    token = add_token("many", 100_000).token
    seen, process = Seen(), psutil.Process()
    with running(make_app(ServeSettings())) as url:
        where = f"{url}/ljwx/api/v1/analysis/{STOCK}"
        head = {"Authorization": f"Bearer {token}"}
        first = requests.get(where, headers=head, timeout=60)
        end = time.monotonic() + (MINUTE if long_range else MOMENT)

        def ask() -> None:
            with requests.Session() as session:
                while time.monotonic() < end:
                    begin = time.monotonic()
                    reply = session.get(where, headers=head, timeout=60)
                    seen.note(reply.status_code, time.monotonic() - begin)
                    assert reply.json()["text"] == first.json()["text"]

        clients = [threading.Thread(target=ask) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        while not seen.seconds:
            time.sleep(0.01)
        before = process.memory_info().rss
        for client in clients:
            client.join()
    assert set(seen.statuses) == {200}
    assert len(seen.seconds) >= CLIENTS
    assert (process.memory_info().rss - before) / 2**20 < MOST_MB
    print(f"{len(seen.seconds)} answers, p95 {quantiles(seen.seconds, n=20)[-1]:.2f} s")  # noqa: T201
