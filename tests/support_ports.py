"""Ports for the servers of a run: each is given to one of them, whichever process of the run starts it."""

from __future__ import annotations

import fcntl

import support_shared
from ljwx_sandbox import processes


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on, and that this run has not given out before."""
    with (support_shared.folder() / "ports").open("a+") as given:
        fcntl.flock(given, fcntl.LOCK_EX)
        given.seek(0)
        before = given.read().split()
        port = processes.free_port(int(before[-1]) + 1 if before else None)
        print(port, file=given)
        return port
