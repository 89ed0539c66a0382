"""What the package needs outside itself, by name: folders, connections, pools."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ljwx import __version__
from ljwx.core.sessions import Calendar, load_calendar

POSTGRES_CONN_ID = "ljwx_postgres"
TUSHARE_CONN_ID = "tushare_default"
OLLAMA_CONN_ID = "ollama_default"
ALERTS_CONN_ID = "ljwx_alerts"

TUSHARE_POOL = "ljwx_tushare"
OLLAMA_POOL = "ljwx_ollama"
POOL_SLOTS: Mapping[str, int] = MappingProxyType({TUSHARE_POOL: 2, OLLAMA_POOL: 1})
"""To begin with: two months are fetched at a time, and a model server answers one question after the other."""

CONFIGURATION = "training_config.json"

REFRESH_SESSIONS = "python -m ljwx.refresh_sessions"
"""The command that writes the shipped calendar anew."""


def include_folder() -> Path:
    """Return the folder of SQL, prompts, session lists and configuration.

    `LJWX_INCLUDE` names it where the package is installed apart from the repository.
    """
    return Path(os.environ.get("LJWX_INCLUDE", str(Path(__file__).resolve().parents[2] / "include")))


def file_section(name: str) -> Mapping[str, Any]:
    """Return a section of the configuration file as it is written there; empty when it is not.

    For DAG files and callbacks, which must not load what it takes to validate it all.

    :raises ValueError: the file cannot be read as JSON, or the section is no object.
    """
    path = include_folder() / CONFIGURATION
    try:
        section = json.loads(path.read_text(encoding="utf-8")).get(name, {})
    except (OSError, ValueError, AttributeError) as error:
        raise ValueError(f"{path} cannot be read as a JSON object: {error}") from error
    if isinstance(section, dict):
        return section
    raise ValueError(f"{path.name}: {name}: must be an object, not {section!r}")


def data_folder() -> str:
    """Return the folder of dataset files, build specs and reports: `LJWX_DATA`, or `ljwx-data` below AIRFLOW_HOME.

    A path, or a URL with the connection in front of the bucket: ``s3://ljwx_s3@bucket/prefix``.
    """
    home = Path(os.environ.get("AIRFLOW_HOME", str(Path("~/airflow").expanduser())))
    return os.environ.get("LJWX_DATA", str(home / "ljwx-data"))


@cache
def code_version() -> str:
    """Return the version with a short hash of the sources, ``0.1.0+1a2b3c4d5e6f``: it names what really ran.

    Sources are the package's Python and its SQL; prompts and settings have digests of their own.
    """
    digest = hashlib.sha256()
    package, include = Path(__file__).parent, include_folder()
    for folder, kind in ((package, "*.py"), (include / "sql", "*.sql")):
        for path in sorted(folder.rglob(kind)):
            digest.update(f"{path.relative_to(folder.parent).as_posix()}\n".encode())
            digest.update(path.read_bytes())
    return f"{__version__}+{digest.hexdigest()[:12]}"


@cache
def sse_calendar() -> Calendar:
    """Return the shipped calendar of the Shanghai and Shenzhen exchanges."""
    return load_calendar(include_folder() / "sessions" / "sse.txt")
