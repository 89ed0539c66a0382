"""Each service of docker-compose.yaml as a plain process: its command, its environment, its health check.

Not run here: `postgres` (the embedded PostgreSQL takes its place), and `ollama` and `s3`, whose programs are in
their images only. moto takes the place of `s3`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from psycopg import sql

from ljwx_sandbox.postgres import EmbeddedPostgres
from support_compose import COMPOSE, MISSING, OPTIONAL, PROFILES, ROOT, config, required
from support_ports import free_port
from support_postgres import open_folder
from support_stack import poll

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(COMPOSE is None, reason=MISSING),
    pytest.mark.skipif(shutil.which("redis-server") is None, reason="needs redis-server: apt-get install redis-server"),
    pytest.mark.skipif(not find_spec("airflow.providers.fab"), reason="needs requirements-fab.txt: make setup"),
]

PORTS = ("api", "redis", "s3", "health", "worker-logs", "trigger-logs")
STAY = ("airflow-api-server", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer", "airflow-worker")


class Machine:
    """This machine in the place of the containers: their hosts and folders, and what the images set."""

    def __init__(self, home: Path, postgres: int) -> None:
        self.home = home
        self.ports = {name: free_port() for name in PORTS}
        code, found, done = config(home, required() | OPTIONAL | {"AIRFLOW_EXECUTOR": "CeleryExecutor"}, "celery", "s3")
        assert code == 0, done.stderr
        self.services: dict[str, Any] = found["services"]
        self.hosts = {
            "@airflow-db/": f"@127.0.0.1:{postgres}/",
            '"host": "warehouse", "port": 5432': f'"host": "127.0.0.1", "port": {postgres}',
            "@redis:6379": f"@127.0.0.1:{self.ports['redis']}",
            "//airflow-api-server:8080": f"//127.0.0.1:{self.ports['api']}",
            "//127.0.0.1:8080": f"//127.0.0.1:{self.ports['api']}",
            "//127.0.0.1:8974": f"//127.0.0.1:{self.ports['health']}",
            "//s3:8333": f"//127.0.0.1:{self.ports['s3']}",
            "redis-server -": f"redis-server - --bind 127.0.0.1 --port {self.ports['redis']}",
            "redis-cli ": f"redis-cli -p {self.ports['redis']} ",
            "/opt/airflow/include": str(home / "include"),
        }
        (home / "dags").symlink_to(ROOT / "dags")  # as the Dockerfile copies it
        (home / "include").symlink_to(ROOT / "include")  # as the Compose file mounts it
        line, name = re.findall(r'echo "(.+)" > /opt/airflow/plugins/(\S+)', (ROOT / "Dockerfile").read_text())[0]
        (home / "plugins").mkdir()
        (home / "plugins" / name).write_text(line + "\n")

    def here(self, text: str) -> str:
        """A text of the file with this machine's hosts and ports; `$$` is Compose's way to write `$`."""
        for there, here in self.hosts.items():
            text = text.replace(there, here)
        return text.replace("$$", "$")

    def environment(self, service: str) -> dict[str, str]:
        beside = str(Path(sys.executable).parent)
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW_", "LJWX_"))}
        image = {
            "AIRFLOW_HOME": str(self.home), "HOSTNAME": socket.gethostname(), "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "PATH": f"{beside}{os.pathsep}{os.environ['PATH']}",
        }  # fmt: skip
        ports = {
            "AIRFLOW__API__HOST": "127.0.0.1", "AIRFLOW__API__PORT": str(self.ports["api"]),
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(self.ports["health"]),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(self.ports["worker-logs"]),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(self.ports["trigger-logs"]),
        }  # fmt: skip
        own = {name: self.here(str(value)) for name, value in self.services[service].get("environment", {}).items()}
        return plain | image | ports | own

    def command(self, service: str) -> list[str]:
        """The service's command; the image's entry point puts `airflow` before what is no program itself."""
        given = self.services[service]["command"]
        words = given.split() if isinstance(given, str) else [self.here(word) for word in given]
        return words if words[0] in {"bash", "python", "sh"} else ["airflow", *words]

    def check(self, service: str) -> list[str]:
        """The command of the service's health check."""
        kind, *words = map(self.here, self.services[service]["healthcheck"]["test"])
        return ["sh", "-c", words[0]] if kind == "CMD-SHELL" else words

    def run(self, service: str, command: list[str]) -> subprocess.CompletedProcess[str]:
        environment = self.environment(service)
        command = [shutil.which(command[0], path=environment["PATH"]) or command[0], *command[1:]]
        return subprocess.run(command, env=environment, cwd=self.home, capture_output=True, text=True, check=False)

    def start(self, service: str, command: list[str]) -> subprocess.Popen[bytes]:
        """Start what stays, with its output in a file."""
        environment = self.environment(service)
        executable = shutil.which(command[0], path=environment["PATH"]) or command[0]
        with (self.home / f"{service}.out").open("wb") as output:
            return subprocess.Popen(
                [executable, *command[1:]], env=environment, cwd=self.home, stdin=subprocess.DEVNULL, stdout=output,
                stderr=output, start_new_session=True,
            )  # fmt: skip

    def until(self, done: Callable[[], bool], service: str, seconds: float = 240) -> None:
        poll(done, seconds, self.home / f"{service}.out")


@contextmanager
def ending(processes: list[subprocess.Popen[bytes]]) -> Iterator[None]:
    """End what was started, and all that it started, when the block does; a worker would wait for its task."""
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            for process in processes:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, number)
            deadline = time.monotonic() + 5
            for process in processes:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.1, deadline - time.monotonic()))


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Both databases with their roles, nothing else."""
    with open_folder() as folder:
        server = EmbeddedPostgres(folder / "data", free_port(), "for-tests-only")
        server.start()
        try:
            machine = Machine(tmp_path_factory.mktemp("airflow"), server.port)
            for service in ("airflow-db", "warehouse"):
                hand_over(server, machine.services[service]["environment"])
            yield machine
        finally:
            server.stop()


def hand_over(server: EmbeddedPostgres, told: Mapping[str, str]) -> None:
    """Make the role and the owner that PostgreSQL's image would make."""
    names = {
        "database": sql.Identifier(told["POSTGRES_DB"]), "role": sql.Identifier(told["POSTGRES_USER"]),
        "password": sql.Literal(told["POSTGRES_PASSWORD"]),
    }  # fmt: skip
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {role} LOGIN PASSWORD {password}").format(**names))
        connection.execute(sql.SQL("ALTER DATABASE {database} OWNER TO {role}").format(**names))


@pytest.fixture(scope="module")
def initialised(machine: Machine) -> Machine:
    """`airflow-init` has run, twice: Compose runs it at every start."""
    for _ in range(2):
        done = machine.run("airflow-init", machine.command("airflow-init"))
        assert done.returncode == 0, done.stdout + done.stderr
    return machine


@pytest.fixture(scope="module")
def running(initialised: Machine) -> Iterator[Machine]:
    """Redis and each of Airflow's services, all healthy by their own checks."""
    started: list[subprocess.Popen[bytes]] = []
    with ending(started):
        started.extend(initialised.start(service, initialised.command(service)) for service in ("redis", *STAY))
        for service in ("redis", *STAY):
            check = initialised.check(service)
            initialised.until(lambda s=service, c=check: initialised.run(s, c).returncode == 0, service)
        yield initialised


def test_every_service_is_run_here_or_said_not_to_be(machine: Machine) -> None:
    elsewhere = {"airflow-db", "warehouse", "ollama", "ollama-init", "s3"}
    assert set(machine.services) == {*STAY, *elsewhere, "airflow-init", "redis", "s3-init"}
    assert set().union(*PROFILES.values()) <= set(machine.services)


def test_a_check_fails_where_its_service_does_not_run(initialised: Machine) -> None:
    for service in ("redis", "airflow-api-server", "airflow-scheduler", "airflow-triggerer"):
        assert initialised.run(service, initialised.check(service)).returncode != 0, service


def test_the_admin_of_the_env_file_logs_in_and_nobody_else_does(running: Machine) -> None:
    url = f"http://127.0.0.1:{running.ports['api']}/auth/token"
    password = required()["AIRFLOW_ADMIN_PASSWORD"]
    assert requests.post(url, json={"username": "admin", "password": password}, timeout=60).status_code == 201
    assert requests.post(url, json={"username": "admin", "password": "admin"}, timeout=60).status_code == 401


def test_a_task_goes_through_scheduler_broker_and_worker_to_the_warehouse(running: Machine) -> None:
    owner = json.loads(running.environment("airflow-worker")["AIRFLOW_CONN_LJWX_POSTGRES"])

    def migrated() -> bool:
        with psycopg.connect(
            host=owner["host"], port=owner["port"], user=owner["login"], password=owner["password"],
            dbname=owner["schema"],
        ) as connection:  # fmt: skip
            return connection.execute("SELECT to_regclass('ljwx.schema_version')").fetchone() != (None,)

    assert not migrated()
    for words in (
        ["dags", "unpause", "ljwx_daily_ingest"],
        ["dags", "trigger", "ljwx_daily_ingest", "--conf", '{"start_date": "2026-02-14", "end_date": "2026-02-15"}'],
    ):
        running.until(lambda w=words: _fine(running.run("airflow-scheduler", ["airflow", *w])), "airflow-dag-processor")
    running.until(migrated, "airflow-worker")


def _fine(done: subprocess.CompletedProcess[str]) -> bool:
    return done.returncode == 0


def test_the_broker_refuses_who_has_no_password_and_shows_it_to_nobody(running: Machine) -> None:
    environment: Mapping[str, str] = {**running.environment("redis"), "REDISCLI_AUTH": ""}
    asked = ["redis-cli", "-p", str(running.ports["redis"]), "ping"]
    done = subprocess.run(asked, env=environment, capture_output=True, text=True, check=False)
    assert "NOAUTH" in done.stdout + done.stderr
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert OPTIONAL["REDIS_PASSWORD"] not in listed


def test_the_bucket_is_made_once(machine: Machine) -> None:
    import boto3

    url = f"http://127.0.0.1:{machine.ports['s3']}"
    server = [sys.executable, "-m", "moto.server", "-p", str(machine.ports["s3"])]
    with ending([machine.start("s3", server)]):
        machine.until(lambda: _answers(url), "s3", 60)
        for _ in range(2):
            done = machine.run("s3-init", machine.command("s3-init"))
            assert done.returncode == 0, done.stderr
        client = boto3.client(
            "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        assert [bucket["Name"] for bucket in client.list_buckets()["Buckets"]] == ["ljwx"]


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False
