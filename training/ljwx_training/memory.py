"""Memory of activations is kept for the next step, on a processor with glibc; and how much memory is left.

glibc hands blocks of megabytes back to the operating system as soon as they are free, and gets them anew, page by page,
in every layer of every step. Small free pieces are joined with their neighbours at once (``MOST_FAST``): left alone,
those beside an aligned block make the next block of its size go elsewhere.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from pathlib import Path

import psutil

TRIM_THRESHOLD, MMAP_MAX, ARENA_MAX, MOST_FAST = -1, -4, -8, 1
MOST = 2**31 - 1
CONTAINER = (("memory.max", "memory.current", "inactive_file"),
             ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "total_inactive_file"))  # fmt: skip
"""Of cgroups, version 2 and 1: a container's limit, what it has taken, and in memory.stat what of it is read from files
and can be given back."""


def keep_memory() -> bool:
    """Let freed memory stay with this process, in one heap; return whether the C library can."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        library = ctypes.CDLL("libc.so.6")
    except OSError:
        return False
    chosen = {ARENA_MAX: 1, MMAP_MAX: 0, TRIM_THRESHOLD: MOST, MOST_FAST: 0}
    return all(library.mallopt(name, value) for name, value in chosen.items())


def memory_left(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Return the bytes that can still be taken: of the machine, or of the container where its limit is nearer."""
    left = [int(psutil.virtual_memory().available)]
    for limit, taken, files in CONTAINER:
        with suppress(OSError, ValueError, KeyError):  # not there, or without a limit: "max"
            told = (cgroup / taken).with_name("memory.stat").read_text().splitlines()
            given_back = int(dict(line.split() for line in told)[files])
            left.append(int((cgroup / limit).read_text()) - int((cgroup / taken).read_text()) + given_back)
    return max(0, min(left))
