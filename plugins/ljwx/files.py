"""Files of the data folder, on disk or on an object store: complete under their name, or not there at all."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ljwx.resources import data_folder

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

CHUNK = 1 << 20
SCRATCH = "ljwx-scratch-"
"""How the names of scratch folders begin."""
STALE_SECONDS = 86_400
"""Age at which a half-written file or folder is a dead process's: no run of a DAG may take as long."""


@dataclass(frozen=True)
class Written:
    """A file as it was written. ``sha256``: 64 hex digits; ``size``: bytes."""

    name: str
    sha256: str
    size: int


def data_root() -> ObjectStoragePath:
    """Return the data folder, wherever it is."""
    from airflow.sdk import ObjectStoragePath

    return ObjectStoragePath(data_folder())


def save_text(name: str, text: str) -> str:
    """Write a file below the data folder and return its path; a reader never sees a half-written one."""
    path = data_root() / name
    if is_local(path):
        file = Path(path.path)
        file.parent.mkdir(parents=True, exist_ok=True)
        _clear_stale(file.parent)
        write_whole(file, text)
        return str(file)
    path.write_bytes(text.encode())  # one request: an object is there whole or not at all
    return str(path)


def saved_text(name: str) -> str | None:
    """Return a file below the data folder as text; None where there is none."""
    path = data_root() / name
    return path.read_text(encoding="utf-8") if path.exists() else None


def report_folder(model: str, promotion_id: int) -> str:
    """Return where a report lies below the data folder; a model's colon has no place in a file's name."""
    return f"reports/{model.replace(':', '-').replace('/', '-')}/{promotion_id}"


def write_texts(path: ObjectStoragePath, texts: Iterable[str]) -> Written:
    """Write texts one after the other, holding a piece at a time; flushed to disk where there is one."""
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as file:
        for piece in _pieces(texts):
            digest.update(piece)
            size += file.write(piece)
        if is_local(path):
            file.flush()
            os.fsync(file.fileno())
    return Written(path.name, digest.hexdigest(), size)


def write_whole(path: Path, text: str) -> None:
    """Write a file on disk beside its place, flush it, and rename it; of two writers at once, one's text is there."""
    partial = _partial(path)
    try:
        with partial.open("wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def whole_folder(folder: ObjectStoragePath, last: str) -> Iterator[ObjectStoragePath]:
    """Lend a place to write a folder's files into; the folder is there afterwards, or nothing is.

    A whole one that another has put there meanwhile stays; what is left of one gives way.

    On an object store, which cannot rename, files are put in their place one by one: there the file that is written
    last says that a folder is whole, see :func:`is_whole`; after an error they are taken away again.

    :param last: the file that is written last.
    """
    if not is_local(folder):
        try:
            yield folder
        except BaseException:
            with suppress(Exception):  # the first error is the one to report, and the store may be its reason
                remove_folder(str(folder))
            raise
        return
    target = Path(folder.path)
    _clear_stale(target.parent)
    partial = _partial(target)
    partial.mkdir(parents=True)
    try:
        yield type(folder)(str(partial))
        _put_in_place(partial, target, last)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Lend an empty folder below this machine's temporary folder, which `TMPDIR` names; it is gone afterwards.

    It is never on a volume that others reach: there a lock holds for one machine alone. What a killed process of the
    same user left is removed by the next that asks.
    """
    home = Path(tempfile.gettempdir())
    for left in home.glob(f"{SCRATCH}*"):
        with suppress(OSError), _locked(left):  # in use, gone meanwhile, or another user's
            shutil.rmtree(left, ignore_errors=True)
    with ExitStack() as held:
        folder = None
        while folder is None:
            folder = _own_folder(home, held)
        held.callback(shutil.rmtree, folder, ignore_errors=True)
        yield folder


def _own_folder(home: Path, held: ExitStack) -> Path | None:
    """Make a folder and hold its lock; None where another process took it for one that was left, before the lock."""
    folder = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=home))
    with suppress(BlockingIOError, FileNotFoundError):
        held.enter_context(_locked(folder))
        if folder.exists():
            return folder
    return None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a folder's lock, which ends with the process.

    :raises OSError: another process holds it, or there is no such folder of this user.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(descriptor).st_uid != os.getuid():
            raise PermissionError(f"{folder} is another user's")
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def is_whole(folder: ObjectStoragePath, last: str) -> bool:
    """Tell whether a folder is complete: the file that is written last is in it."""
    return bool((folder / last).exists())


def folder_bytes(location: str) -> int:
    """Return the bytes below a folder; 0 when it is not there."""
    from airflow.sdk import ObjectStoragePath

    folder = ObjectStoragePath(location)
    if not folder.exists():
        return 0
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def remove_folder(location: str) -> None:
    """Remove a folder with all that is in it; nothing to do when it is not there."""
    from airflow.sdk import ObjectStoragePath

    folder = ObjectStoragePath(location)
    if folder.exists():
        folder.rmdir(recursive=True)


def location_of(path: ObjectStoragePath) -> str:
    """Return how a path is written for people: as a plain path on disk, with its URL elsewhere."""
    return str(path.path) if is_local(path) else str(path)


def is_local(path: ObjectStoragePath) -> bool:
    """Tell whether a path is on this machine's disk."""
    return path.protocol in {"", "file", "local"}


def _pieces(texts: Iterable[str]) -> Iterator[bytes]:
    """Join texts to pieces that are worth a write."""
    held: list[bytes] = []
    size = 0
    for text in texts:
        held.append(text.encode())
        size += len(held[-1])
        if size >= CHUNK:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)


def _clear_stale(folder: Path) -> None:
    """Remove what processes that were killed have left half-written."""
    before = time.time() - STALE_SECONDS
    for path in folder.glob(".*.partial"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < before:
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()


def _partial(path: Path) -> Path:
    """Return where to write what will be at a path: another each time, as containers share process numbers."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.partial")


def _put_in_place(partial: Path, target: Path, last: str) -> None:
    """Rename a folder that is written; a whole one that is there stays, and what is left of one gives way."""
    try:
        partial.rename(target)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        if (target / last).exists():
            return
        shutil.rmtree(target)
        partial.rename(target)
