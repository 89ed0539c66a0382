"""Files of weights, wherever they are: a job's result may lie on an object store, and an upload needs a file."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from airflow.sdk import ObjectStoragePath

from ljwx.exceptions import ConfigurationError

_CHUNK = 1 << 22


@contextmanager
def local_copy(location: str) -> Iterator[Path]:
    """Lend a file as one of this machine's disk; what is elsewhere is fetched, and removed afterwards.

    :raises ConfigurationError: there is no such file.
    """
    path = ObjectStoragePath(location)
    if not path.is_file():
        raise ConfigurationError(f"no GGUF file at {location}")
    if path.protocol in {"", "file", "local"}:
        yield Path(path.path)
        return
    with tempfile.TemporaryDirectory(prefix="ljwx-weights-") as folder:
        copy = Path(folder) / path.name
        with path.open("rb") as source, copy.open("wb") as target:
            shutil.copyfileobj(source, target, _CHUNK)
        yield copy
