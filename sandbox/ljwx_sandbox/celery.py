"""The CeleryExecutor on one machine: a Redis of this sandbox's own, and two workers that are processes apart."""

from __future__ import annotations

import os
import shutil

from ljwx_sandbox import airflow
from ljwx_sandbox.settings import SandboxError, SandboxSettings

WORKERS = ("worker-1", "worker-2")


def environment(settings: SandboxSettings, database_url: str) -> dict[str, str]:
    """Return what every Airflow process needs to hand tasks to the workers."""
    password = settings.secret("redis")
    return {
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW__CELERY__BROKER_URL": f"redis://:{password}@127.0.0.1:{settings.ports['redis']}/0",
        "AIRFLOW__CELERY__RESULT_BACKEND": database_url.replace("postgresql+psycopg2", "db+postgresql+psycopg2"),
        "AIRFLOW__CELERY__WORKER_CONCURRENCY": "2",
        # What a worker had taken from the broker and not begun when it died is queued again after this, not 600 s.
        "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "120",
        "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "15",
    }


def redis_command(settings: SandboxSettings) -> list[str]:
    """Return the command of the broker; its password is in a file, because a command line can be seen by others."""
    executable = shutil.which("redis-server")
    if executable is None:
        raise SandboxError("the CeleryExecutor needs redis-server; on Debian: apt-get install redis-server")
    path = settings.home / "secrets" / "redis.conf"
    lines = (
        "bind 127.0.0.1", f"port {settings.ports['redis']}", f"requirepass {settings.secret('redis')}",
        'save ""', "appendonly no", f"dir {settings.home}",
    )  # fmt: skip
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("\n".join(lines) + "\n")
    return [executable, str(path)]


def worker_commands() -> dict[str, tuple[str, ...]]:
    """Return the command of each worker."""
    return {
        name: (airflow.executable("airflow"), "celery", "worker", "--celery-hostname", name, "--skip-serve-logs")
        for name in WORKERS
    }
