"""A clock of its own for the sandbox's database process, and for nothing else, by libfaketime.

The record goes by the database's clock, and the product has no way to pretend another time. Only the process that is
started with this clock's environment goes by it; its time runs on from the moment that was set last. The monotonic
clock stays as it is, which waits and time-outs go by.
"""

from __future__ import annotations

import importlib.util
import os
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ljwx_sandbox.settings import SandboxError

VARIABLE = "LJWX_FAKETIME"
_IN_PACKAGE = Path("vendor", "libfaketime", "src", "libfaketime.so.1")


@dataclass(frozen=True)
class DatabaseClock:
    """What time it is for one database server.

    :param file: by how many seconds its time differs from this machine's; the server's user must be able to read it.
    """

    file: Path

    def set(self, moment: datetime) -> None:
        """Let it be this moment now; a running server goes by it from its next look at the time on."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        partial = self.file.with_suffix(".partial")
        partial.write_text(f"{moment.timestamp() - time.time():+.3f}\n")
        partial.chmod(0o644)
        partial.replace(self.file)

    @property
    def environment(self) -> dict[str, str]:
        """Variables of the server's process.

        :raises SandboxError: there is no libfaketime.
        """
        return {
            "LD_PRELOAD": str(library()), "FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1",
        }  # fmt: skip


def library() -> Path:
    """Return libfaketime: the one that `LJWX_FAKETIME` names, or that the package of its name carries.

    :raises SandboxError: neither is there.
    """
    named = os.environ.get(VARIABLE)
    spec = None if named else importlib.util.find_spec("libfaketime")
    folders = list(spec.submodule_search_locations or []) if spec else []
    found = [Path(named)] if named else [Path(folder) / _IN_PACKAGE for folder in folders]
    if not found or not found[0].is_file():
        raise SandboxError(
            f"no libfaketime: pip install libfaketime, or install your system's and name its file by {VARIABLE}"
        )
    return found[0]
