"""Files that a job names: on this machine or anywhere fsspec reaches, each the one that its digest says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import fsspec

from ljwx_training.errors import MissingFile, WrongDigest

PIECE = 1 << 22


def fetched(location: str, sha256: str, job: Path) -> Path:
    """Return a local path of a file, fetched into the job's folder ``inputs`` where it is elsewhere.

    :param location: a path, relative to the job's folder, or a URL.
    :raises MissingFile: it is not there.
    :raises WrongDigest: it is another file.
    """
    if "://" not in location:
        path = job / location
        if not path.is_file():
            raise MissingFile(f"there is no file {path}")
    else:
        path = job / "inputs" / sha256
        if not path.exists():
            _fetch(location, path)
    found = digest_of(path)
    if found != sha256:
        if path.parent == job / "inputs":
            path.unlink()
        raise WrongDigest(f"{location} has the sha256 {found[:12]}…, the job names {sha256[:12]}…")
    return path


def _fetch(location: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    try:
        with fsspec.open(location, "rb") as source, partial.open("wb") as target:
            while piece := source.read(PIECE):
                target.write(piece)
    except (FileNotFoundError, ImportError, ValueError) as error:
        raise MissingFile(f"{location} cannot be read: {error}") from error
    partial.replace(path)


def published(folder: Path, names: Iterable[str], target: str) -> None:
    """Copy finished files to a URL in this order: the last one says that all are there; those there already stay.

    :raises MissingFile: the place cannot be written.
    """
    try:
        system, root = fsspec.core.url_to_fs(target)
        ordered = list(names)
        if system.exists(f"{root}/{ordered[-1]}"):
            return
        for name in ordered:
            system.makedirs(f"{root}/{name}".rpartition("/")[0], exist_ok=True)
            system.put_file(str(folder / name), f"{root}/{name}")
    except (ImportError, ValueError) as error:
        raise MissingFile(f"{target} cannot be written: {error}") from error


def digest_of(path: Path) -> str:
    """Return a file's sha256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _digest(file)


def _digest(file: Any) -> str:
    digest = hashlib.sha256()
    while piece := file.read(PIECE):
        digest.update(piece)
    return digest.hexdigest()


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file that is whole or not there."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)


def read_json(path: Path) -> Any:
    """Return a JSON file's content."""
    return json.loads(path.read_text(encoding="utf-8"))
