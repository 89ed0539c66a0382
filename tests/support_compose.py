"""docker-compose.yaml as a Compose implementation's own `config` reads it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

ReadCompose = Callable[..., tuple[int, dict[str, Any], subprocess.CompletedProcess[str]]]
ROOT = Path(__file__).resolve().parents[1]
PROFILES = {"celery": {"airflow-worker", "redis"}, "s3": {"s3", "s3-init"}}
OPTIONAL = {
    "REDIS_PASSWORD": "redis-secret",
    "S3_PASSWORD": "s3-secret",
    "LJWX_DATA": "s3://ljwx_s3@ljwx/data",
}


def runs(command: list[str]) -> bool:
    """Whether this Compose is there: Docker's client may lack the plugin."""
    return shutil.which(command[0]) is not None and (
        len(command) == 1
        or subprocess.run([*command, "version"], capture_output=True, check=False, timeout=60).returncode == 0
    )


COMPOSE = next(filter(runs, (["docker-compose"], ["docker", "compose"])), None)
MISSING = "needs a Compose implementation: apt-get install docker-compose"


def required() -> dict[str, str]:
    """What .env.example leaves empty, filled in."""
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    names = [line.removesuffix("=") for line in lines if re.fullmatch(r"[A-Z_]+=", line)]
    return {name: "200" if name.endswith("PER_MINUTE") else f"value-of-{name.lower()}" for name in names}


def config(
    folder: Path, values: dict[str, str], *profiles: str
) -> tuple[int, dict[str, Any], subprocess.CompletedProcess[str]]:
    """What Compose makes of the file with these values."""
    env_file = folder / "env"
    env_file.write_text("".join(f"{name}={value}\n" for name, value in values.items()), encoding="utf-8")
    chosen = [word for profile in profiles for word in ("--profile", profile)]
    assert COMPOSE is not None
    command = [*COMPOSE, "-f", str(ROOT / "docker-compose.yaml"), "--env-file", str(env_file), *chosen, "config"]
    plain = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=plain)
    return done.returncode, (yaml.safe_load(done.stdout) or {}) if done.returncode == 0 else {}, done
