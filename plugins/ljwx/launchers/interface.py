"""What every launcher can do with a job folder."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol

from ljwx.core.training.job import Started, TrainingSettings

ENVIRONMENT: Final = {
    "PYTHONUNBUFFERED": "1",
    "MALLOC_MMAP_THRESHOLD_": str(1 << 32),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 34),
}
"""Variables of every trainer: its log is not held back, and glibc keeps memory that the next step needs again."""


def arguments_of(settings: TrainingSettings, job: Path) -> list[str]:
    """Return what follows the trainer's Python on its command line."""
    run = ["-m", "ljwx_training", "run", *(["--shard"] if settings.shard else []), str(job)]
    several = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(settings.nproc)]
    return [*(several if settings.nproc > 1 else []), *run]


class Launcher(Protocol):
    """Starts ``python -m ljwx_training run JOB`` somewhere, and finds it again from any process."""

    def check(self, job: Path) -> None:
        """See that a trainer could be started.

        :raises ConfigurationError: what is missing, and the setting that names it.
        """

    def find(self, job: Path) -> Started | None:
        """Return a trainer of this job that runs although nobody recorded it; None where there is none."""

    def start(self, job: Path) -> Started:
        """Start the trainer, detached from this process."""

    def is_running(self, job: Path, started: Started) -> bool:
        """Tell whether it is still there, seen from this process."""

    def stop(self, job: Path, started: Started) -> None:
        """End it with all that it started; nothing to do when it is gone."""

    def clean(self, job: Path, started: Started) -> None:
        """Remove what it leaves behind when it has ended, such as a pod."""

    def last_words(self, job: Path, started: Started) -> str:
        """Return the last line that it printed; empty where there is none."""
