"""A job's folder as both sides use it: what the trainer wrote there, and what is remembered of its launch."""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ljwx.core.training.job import Line, Started, read_lines
from ljwx.exceptions import ConfigurationError, TrainingFailed

JOB, RESULT, ERROR, METRICS = "job.json", "result.json", "error.json", "metrics.jsonl"
LOCK, STARTED, LOG, STOP = "lock", "started.json", "trainer.log", "stop"
TAIL = 8192


@dataclass(frozen=True)
class Result:
    """What a finished job made: digests of the merged GGUF and of the adapter, 64 hex digits each."""

    gguf_sha256: str
    adapter_sha256: str


def local_folder(job: str) -> Path:
    """Return the folder of a job.

    :raises ConfigurationError: it is not on a disk, or holds no job.
    """
    if "://" in job and not job.startswith("file://"):
        raise ConfigurationError(
            f"the trainer works in a folder on a disk, not at {job}: let LJWX_DATA name a folder that workers share"
        )
    folder = Path(job.removeprefix("file://"))
    if not (folder / JOB).is_file():
        raise ConfigurationError(f"there is no {JOB} in {folder}: clear the task that prepares the training")
    return folder


def result_of(job: Path) -> Result | None:
    """Return what a job has made; None while it has not.

    :raises TrainingFailed: result.json is not the trainer's.
    """
    found = _read(job / RESULT)
    if found is None:
        return None
    try:
        return Result(found["merged"]["sha256"], found["adapter"]["sha256"])
    except (KeyError, TypeError) as error:
        raise TrainingFailed(f"{job / RESULT} is not what the trainer writes: remove it and clear this task") from error


def error_of(job: Path) -> Mapping[str, Any] | None:
    """Return why the trainer could not go on; None where it says nothing."""
    return _read(job / ERROR)


def lines_of(job: Path) -> list[Line]:
    """Return the lines of metrics.jsonl."""
    with suppress(OSError):
        return read_lines((job / METRICS).read_text(encoding="utf-8"))
    return []


def started_of(job: Path) -> Started | None:
    """Return the trainer that was started last; None where there was none."""
    with suppress(TypeError):
        found = _read(job / STARTED)
        return None if found is None else Started(**found)
    return None


def remember(job: Path, started: Started) -> None:
    """Write down which trainer was started."""
    partial = job / f"{STARTED}.partial"
    partial.write_text(json.dumps(asdict(started)), encoding="utf-8")
    partial.replace(job / STARTED)


def seconds_since_start(job: Path) -> float:
    """Return how long ago a trainer was started; endless where none was."""
    try:
        return time.time() - (job / STARTED).stat().st_mtime
    except OSError:
        return float("inf")


def forget_end(job: Path) -> None:
    """Remove what an earlier trainer said at its end, and an order to stop, before another one is started."""
    for name in (ERROR, STOP):
        (job / name).unlink(missing_ok=True)


def order_stop(job: Path) -> None:
    """Ask the trainer to stop after its step, wherever it runs."""
    with suppress(FileNotFoundError):
        (job / STOP).touch()


def signs_of_life(job: Path) -> tuple[tuple[str, int, int], ...]:
    """Return name, size and time of change of what a trainer writes while it works."""
    found = []
    for pattern in (METRICS, LOG, "inputs/*", "checkpoints/*", "merged.gguf*", "adapter*", "proof.json"):
        for path in sorted(job.glob(pattern)):
            with suppress(OSError):
                stat = path.stat()
                found.append((path.name, stat.st_size, stat.st_mtime_ns))
    return tuple(found)


def last_line(job: Path) -> str:
    """Return the last line of the trainer's log; empty where there is none."""
    with suppress(OSError), (job / LOG).open("rb") as file:
        file.seek(max(0, (job / LOG).stat().st_size - TAIL))
        lines = file.read().decode("utf-8", "replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")
    return ""


def is_held(job: Path) -> bool:
    """Tell whether a trainer holds the job, on whatever machine it runs."""
    with suppress(OSError), (job / LOCK).open("r") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def launching(job: Path, patience: float = 60.0) -> Iterator[None]:
    """Let one process at a time find or start the trainer of a job.

    :raises TrainingFailed: another one has been at it for too long.
    """
    deadline = time.monotonic() + patience
    with (job / "started.lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise TrainingFailed(f"another process is starting the trainer of {job}: clear this task") from None
                time.sleep(0.2)
        yield


def _read(path: Path) -> dict[str, Any] | None:
    """Return a JSON object; None where there is none, or a file that is no such."""
    with suppress(OSError, ValueError):
        found = json.loads(path.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else None
    return None
