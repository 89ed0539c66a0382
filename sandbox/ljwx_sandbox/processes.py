"""Start, watch and stop the sandbox's own processes, and no others: each is known by pid and start time."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import psutil

from ljwx_sandbox.settings import SandboxError

QUIET_PORTS = range(20_000, 32_000)
"""Below those that systems give to outgoing connections, which could take one before its server has started."""

GRACE_SECONDS = 20


@dataclass(frozen=True)
class ProcessFile:
    """The record of one started process, so that a later command can find and stop it."""

    path: Path

    def find(self) -> psutil.Process | None:
        """Return the recorded process if it still runs; a reused pid is not mistaken for it."""
        try:
            record = json.loads(self.path.read_text())
            process = psutil.Process(record["pid"])
            if process.create_time() == record["created"] and process.status() != psutil.STATUS_ZOMBIE:
                return process
        except (OSError, ValueError, TypeError, KeyError, psutil.Error):
            pass
        return None

    def start(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> psutil.Process:
        """Start `command` in a session of its own, with its output in `log`."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            child = subprocess.Popen(
                list(command), env=dict(environment), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
        child.returncode = 0  # It outlives this command on purpose: Popen would warn when it is dropped.
        process = psutil.Process(child.pid)
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps({"pid": child.pid, "created": process.create_time()}))
        partial.rename(self.path)
        return process

    def stop(self) -> None:
        """End the process and everything it started; asked first, forced after GRACE_SECONDS."""
        stop_together([self])

    def forget(self) -> None:
        """End what a killed process has left, and the record."""
        _signal(self._left_behind(), psutil.Process.kill)
        self.path.unlink(missing_ok=True)

    def _left_behind(self) -> list[psutil.Process]:
        """Return what a killed process has left: a session keeps the number of its dead leader while it has members."""
        try:
            leader = int(json.loads(self.path.read_text())["pid"])
        except (OSError, ValueError, TypeError, KeyError):
            return []
        return [] if psutil.pid_exists(leader) else [each for each in psutil.process_iter() if _sid(each) == leader]


def stop_together(files: Sequence[ProcessFile]) -> None:
    """End several processes, all asked at once: each takes seconds to end."""
    stop_families([process for file in files if (process := file.find()) is not None])
    for file in files:
        file.forget()


def stop_families(leaders: Sequence[psutil.Process]) -> None:
    """End processes and everything they started; asked first, forced after GRACE_SECONDS."""
    started = [child for leader in leaders for child in _children(leader)]
    _signal(leaders, psutil.Process.terminate)
    _, alive = psutil.wait_procs(leaders, timeout=GRACE_SECONDS)
    _signal([*alive, *started], psutil.Process.kill)
    psutil.wait_procs([*alive, *started], timeout=GRACE_SECONDS)


def _children(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return list(process.children(recursive=True))
    return []


def _sid(process: psutil.Process) -> int | None:
    with suppress(OSError):
        return os.getsid(process.pid)
    return None


def _signal(processes: Sequence[psutil.Process], send: Callable[[psutil.Process], None]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            send(process)


def is_free(port: int) -> bool:
    """Tell whether nobody listens on a port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(first: int | None = None) -> int:
    """Return the first free port of `QUIET_PORTS` from this one on, or from any.

    :raises SandboxError: none of them is free.
    """
    return free_ports(1, first)[0]


def free_ports(count: int, first: int | None = None) -> list[int]:
    """Return so many free ports, each another one, from `first` of `QUIET_PORTS` on, or from any.

    :raises SandboxError: there are not so many.
    """
    begin = random.randrange(len(QUIET_PORTS)) if first is None else (first - QUIET_PORTS[0]) % len(QUIET_PORTS)
    ports = (port for port in (*QUIET_PORTS[begin:], *QUIET_PORTS[:begin]) if is_free(port))
    found = list(islice(ports, count))
    if len(found) < count:
        raise SandboxError(f"fewer than {count} ports from {QUIET_PORTS[0]} to {QUIET_PORTS[-1]} are free")
    return found


def require_free_port(name: str, port: int, variable: str) -> None:
    """Refuse a port that somebody already listens on, naming the variable that moves it."""
    if not is_free(port):
        raise SandboxError(
            f"port {port} for {name} is in use; stop its user or choose another port with {variable}=<port>"
        )


def wait_until(ready: Callable[[], bool], process: psutil.Process, name: str, log: Path, seconds: float) -> None:
    """Wait until `ready()`; a process that ends, or is not ready in time, is reported with its log."""
    deadline = time.monotonic() + seconds
    while not ready():
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            raise SandboxError(f"{name} ended while it started; see {log}\n{_tail(log)}")
        if time.monotonic() > deadline:
            raise SandboxError(f"{name} was not ready within {seconds:.0f} s; see {log}\n{_tail(log)}")
        time.sleep(0.3)


def _tail(log: Path, lines: int = 15) -> str:
    text = log.read_text(errors="replace") if log.exists() else ""
    return os.linesep.join(text.splitlines()[-lines:])
