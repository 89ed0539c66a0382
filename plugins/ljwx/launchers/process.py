"""A training in another Python on this machine, in a session of its own: it outlives worker and triggerer."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import psutil

from ljwx.core.training.job import Started, TrainingSettings
from ljwx.exceptions import ConfigurationError
from ljwx.launchers.folder import LOG, error_of, is_held, last_line, order_stop, seconds_since_start
from ljwx.launchers.interface import ENVIRONMENT, arguments_of

GRACE_SECONDS = 10.0
LOADING_SECONDS = 300.0
PRIVATE = ("AIRFLOW", "_AIRFLOW", "LJWX_", "PYTHON", "VIRTUAL_ENV")
"""How names of variables begin that the trainer does not get: Airflow's hold secrets, Python's belong to this one."""


class ProcessLauncher:
    """Starts ``training.python``, or with ``training.nproc`` more than 1 its torchrun."""

    def __init__(self, settings: TrainingSettings) -> None:
        self.settings = settings

    def check(self, job: Path) -> None:  # noqa: ARG002 - the launchers' signature
        """See that the Python is there."""
        python = self.settings.python
        if not python:
            raise ConfigurationError(
                "training.python names no Python: make an environment with training/ installed, and name its python"
            )
        if shutil.which(python) is None:
            raise ConfigurationError(f"training.python: there is no program {python}")

    def find(self, job: Path) -> Started | None:
        """Return a trainer that somebody else started: it is known by its lock alone."""
        return Started("process", "", "", "") if is_held(job) else None

    def start(self, job: Path) -> Started:
        """Start the trainer with its output in the job's trainer.log."""
        with (job / LOG).open("ab") as output:
            child = subprocess.Popen(
                self._command(job), cwd=job, env=self._environment(), stdin=subprocess.DEVNULL, stdout=output,
                stderr=output, start_new_session=True,
            )  # fmt: skip
        child.returncode = 0  # it outlives this process on purpose: Popen would warn when it is dropped
        return Started("process", here(), str(child.pid), _created(child.pid))

    def is_running(self, job: Path, started: Started) -> bool:
        """Tell by the process where this is its machine, else, and for what a killed torchrun left, by the lock.

        Elsewhere a young one that has said nothing yet counts as running: it takes the lock once its libraries are
        loaded.
        """
        if is_held(job):
            return True
        if started.place == here():
            return _process(started) is not None
        return bool(started.name) and seconds_since_start(job) < LOADING_SECONDS and error_of(job) is None

    def stop(self, job: Path, started: Started) -> None:
        """End the process and its children; on another machine it stops after its step."""
        order_stop(job)
        process = _process(started) if started.place == here() else None
        if process is None:
            return
        family = [process, *process.children(recursive=True)]
        _each(family, psutil.Process.terminate)
        _, alive = psutil.wait_procs(family, timeout=GRACE_SECONDS)
        _each(alive, psutil.Process.kill)
        psutil.wait_procs(alive, timeout=GRACE_SECONDS)

    def clean(self, job: Path, started: Started) -> None:
        """Nothing is left of a process that has ended."""

    def last_words(self, job: Path, started: Started) -> str:  # noqa: ARG002 - the launchers' signature
        """Return the last line of trainer.log."""
        return last_line(job)

    def _command(self, job: Path) -> list[str]:
        return [str(self.settings.python), *arguments_of(self.settings, job)]

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(PRIVATE)}
        return {**kept, **ENVIRONMENT, **self.settings.environment}


def here() -> str:
    """Name this machine, and the space in which its processes are numbered: containers have their own."""
    space = ""
    with suppress(OSError):
        space = str(Path("/proc/self/ns/pid").readlink())
    return f"{socket.gethostname()} {space}".strip()


def _created(pid: int) -> str:
    """Return when a process began; empty when it has ended already."""
    try:
        return repr(psutil.Process(pid).create_time())
    except psutil.Error:
        return ""


def _process(started: Started) -> psutil.Process | None:
    """Return the process if it still runs; another one that got its number is not mistaken for it."""
    try:
        process = psutil.Process(int(started.name))
        if repr(process.create_time()) == started.mark and process.status() != psutil.STATUS_ZOMBIE:
            return process
    except (ValueError, psutil.Error):
        pass
    return None


def _each(processes: Iterable[psutil.Process], send: Callable[[psutil.Process], None]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            send(process)
