"""Memory of activations is kept for the next step, on a processor with glibc.

glibc hands blocks of megabytes back to the operating system as soon as they are free, and gets them anew, page by page,
in every layer of every step. Small free pieces are joined with their neighbours at once (``MOST_FAST``): left alone,
those beside an aligned block make the next block of its size go elsewhere.
"""

from __future__ import annotations

import ctypes
import sys

TRIM_THRESHOLD, MMAP_MAX, ARENA_MAX, MOST_FAST = -1, -4, -8, 1
MOST = 2**31 - 1


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
