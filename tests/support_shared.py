"""What the processes of one test run share: whoever needs it first makes it, the others wait and take it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

VARIABLE = "PYTEST_LJWX_SHARED"
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
"""This process among those of the run; fits into a database's name."""
ROOM = 4 << 30
"""Bytes: several times what a run of the whole suite keeps there."""
IS_MAIN = WORKER == "main"
"""Whether this process began the run; it is there before the others, and after them."""


def begin() -> None:
    """Make the shared folder; it is outside pytest's own, which pytest closes to PostgreSQL's user."""
    if IS_MAIN:
        os.environ[VARIABLE] = tempfile.mkdtemp(prefix="ljwx-tests-", dir=_in_memory())


def _in_memory() -> str | None:
    """A file system in memory, if it has room: there PostgreSQL copies and drops a database in a fifth of the time."""
    shared = Path("/dev/shm")
    roomy = shared.is_dir() and os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > ROOM
    return str(shared) if roomy else None


def folder() -> Path:
    """The shared folder."""
    return Path(os.environ[VARIABLE])


def end() -> None:
    """Remove the shared folder."""
    if IS_MAIN:
        shutil.rmtree(folder(), ignore_errors=True)


def once(name: str, make: Callable[[], Any]) -> Any:
    """Return what `make` returned, a JSON value, to the first process of this run that asked for it by this name."""
    kept = folder() / f"{name}.json"
    with (folder() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            made = json.dumps(make())
            kept.write_text(made, encoding="utf-8")
        return json.loads(kept.read_text(encoding="utf-8"))


def made(name: str) -> Any:
    """Return what was made by this name, None if nobody asked for it."""
    kept = folder() / f"{name}.json"
    return json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else None
