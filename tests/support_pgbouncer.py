"""A real pgbouncer in transaction mode in front of the suite's PostgreSQL."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from ljwx_sandbox.postgres import EmbeddedPostgres
from support_ports import free_port
from support_postgres import open_folder

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
SETTINGS = """
[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = {mode}
default_pool_size = {size}
logfile = {log}
"""
STRICT = "max_prepared_statements = 0\n"
"""Of pgbouncer 1.21 and newer, which can follow prepared statements; the older ones cannot."""


class Pooler:
    """A running pooler.

    :param port: of 127.0.0.1.
    """

    def __init__(self, postgres: EmbeddedPostgres, port: int) -> None:
        self._postgres, self.port = postgres, port

    def url(self, direct: str) -> str:
        """The URL of a database through the pooler, for the one that leads to it directly."""
        assert f":{self._postgres.port}/" in direct
        return direct.replace(f":{self._postgres.port}/", f":{self.port}/")


@contextmanager
def running_pgbouncer(postgres: EmbeddedPostgres, mode: str = "transaction", size: int = 10) -> Iterator[Pooler]:
    """Run one until the end of the block."""
    assert PROGRAM is not None
    with open_folder() as folder:
        port = free_port()
        (folder / "users.txt").write_text('"postgres" "for-tests-only"\n')
        (folder / "pgbouncer.ini").write_text(
            SETTINGS.format(
                server=postgres.port, port=port, users=folder / "users.txt", mode=mode, size=size, log=folder / "log"
            )
            + (STRICT if _version() >= (1, 21) else "")
        )
        own = []
        if os.getuid() == 0:  # as which it refuses to run
            own = ["-u", "nobody"]
            shutil.chown(folder, "nobody")
            for path in folder.iterdir():
                shutil.chown(path, "nobody")
        process = subprocess.Popen(
            [PROGRAM, "-q", *own, str(folder / "pgbouncer.ini")], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        try:
            _wait(process, postgres, Pooler(postgres, port), folder / "log")
            yield Pooler(postgres, port)
        finally:
            process.terminate()
            process.wait(10)


def _version() -> tuple[int, ...]:
    said = subprocess.run([PROGRAM or "", "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in said.split()[1].split(".")[:2])


def _wait(process: subprocess.Popen[bytes], postgres: EmbeddedPostgres, pooler: Pooler, log: Path) -> None:
    until = time.monotonic() + 20
    while not _answers(pooler.url(postgres.url("postgres"))):
        said = log.read_text() if log.exists() else "no log"
        assert process.poll() is None, f"pgbouncer did not start: {said}"
        assert time.monotonic() < until, f"pgbouncer does not answer: {said}"
        time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture(scope="module")
def pooler(postgres: EmbeddedPostgres) -> Iterator[Pooler]:
    """A pooler in transaction mode; a test that asks for it is skipped where there is no pgbouncer."""
    if PROGRAM is None:
        pytest.skip("pgbouncer is not installed: apt-get install pgbouncer")
    with running_pgbouncer(postgres) as pooler:
        yield pooler


@pytest.fixture
def pooled_url(pooler: Pooler, warehouse_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of a fresh warehouse through the pooler, which the connection `ljwx_postgres` names."""
    url = pooler.url(warehouse_url)
    monkeypatch.setenv("AIRFLOW_CONN_LJWX_POSTGRES", url.replace("postgresql://", "postgres://"))
    return url
