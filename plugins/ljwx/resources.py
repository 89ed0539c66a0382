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
TRAINING_POOL = "ljwx_training"
POOL_SLOTS: Mapping[str, int] = MappingProxyType({TUSHARE_POOL: 2, OLLAMA_POOL: 1, TRAINING_POOL: 1})
"""To begin with: two months are fetched at a time, one shard of questions keeps all model servers busy, and a machine
trains one model."""

DEFERRED_POOLS = frozenset({TRAINING_POOL})
"""Pools in which a deferred task keeps its slot: what it waits for uses what the pool stands for."""

CONFIGURATION = "training_config.json"
SESSIONS = "sessions/sse.txt"

REFRESH_SESSIONS = "python -m ljwx.refresh_sessions"
"""The command that writes the shipped calendar anew."""

PACKAGED = (Path(__file__).parent / "_include").resolve()
"""The files that come with the code: in the repository a link to include/, in the wheel a folder."""

OVERRIDABLE = ("prompts", "reports", "sessions", CONFIGURATION)
"""What a file below `LJWX_INCLUDE` can stand in for. SQL belongs to the code and is never taken from there."""


def overrides_folder() -> Path | None:
    """Return the folder that `LJWX_INCLUDE` names; None where it names none."""
    named = os.environ.get("LJWX_INCLUDE")
    return Path(named) if named else None


def packaged_folder() -> Path:
    """Return the folder of SQL, prompts, reports, session list and settings that belongs to this code.

    A package that was copied without its files takes the folder that `LJWX_INCLUDE` names for it.

    :raises FileNotFoundError: there is no such folder; the message says what to copy.
    """
    found = next((place for place in (PACKAGED, overrides_folder()) if place and (place / "sql").is_dir()), None)
    if found is None:
        raise FileNotFoundError(f"{PACKAGED} is not there: install the wheel, or copy include/ beside plugins/")
    return found


def included(name: str) -> Path:
    """Return the file of this name, such as ``sessions/sse.txt``: below `LJWX_INCLUDE` if it is there, else packaged.

    SQL is always the packaged one.
    """
    mine = overrides_folder()
    if mine and name.split("/")[0] in OVERRIDABLE and (mine / name).is_file():
        return mine / name
    return packaged_folder() / name


def own_file(name: str) -> Path:
    """Return where a command writes this file: below `LJWX_INCLUDE` if that is set, else over the packaged one."""
    return (overrides_folder() or packaged_folder()) / name


def included_below(name: str) -> dict[str, Path]:
    """Return every file below a folder of the included ones by its name there, each as :func:`included` finds it."""
    places = {packaged_folder(), overrides_folder() or packaged_folder()}
    names = {path.relative_to(place / name).as_posix() for place in places for path in files_below(place / name)}
    return {below: included(f"{name}/{below}") for below in sorted(names)}


def overridden() -> dict[str, bool]:
    """Return the files below `LJWX_INCLUDE` that stand in for packaged ones, and whether their content is another."""
    mine, ours = overrides_folder(), packaged_folder()
    if mine is None:
        return {}
    paths = [path for name in OVERRIDABLE for path in (files_below(mine / name) or [mine / name]) if path.is_file()]
    names = [path.relative_to(mine).as_posix() for path in paths]
    return {name: not _same(mine / name, ours / name) for name in names}


def files_below(folder: Path) -> list[Path]:
    """Return the files below a folder in order, hidden ones left out; none where there is no such folder."""
    names = [path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file()]
    return [folder / name for name in names if not any(part.startswith(".") for part in name.parts)]


def _same(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_bytes() == other.read_bytes()


def file_section(name: str) -> Mapping[str, Any]:
    """Return a section of the configuration file as it is written there; empty when it is not.

    For DAG files and callbacks, which must not load what it takes to validate it all.

    :raises ValueError: the file cannot be read as JSON, or the section is no object.
    """
    path = included(CONFIGURATION)
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
    for folder, kind in ((Path(__file__).parent, "*.py"), (packaged_folder() / "sql", "*.sql")):
        for path in sorted(folder.rglob(kind)):
            digest.update(f"{path.relative_to(folder.parent).as_posix()}\n".encode())
            digest.update(path.read_bytes())
    return f"{__version__}+{digest.hexdigest()[:12]}"


@cache
def sse_calendar() -> Calendar:
    """Return the shipped calendar of the Shanghai and Shenzhen exchanges."""
    return load_calendar(included(SESSIONS))
