"""Files of the data folder: complete under their name, or not there at all."""

from __future__ import annotations

import os
from pathlib import Path

from ljwx.resources import data_folder


def save_text(name: str, text: str) -> str:
    """Write a file below the data folder and return its path; a reader never sees a half-written one."""
    path = data_folder() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text.encode())
    return str(path)


def write_whole(path: Path, data: bytes) -> None:
    """Write beside the file, flush to disk, and rename over it."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)
