"""``python -m ljwx_training run JOB``: train the job of a folder.

Prints where the result is. A job that cannot go on prints one line, leaves error.json beside it and exits with a code
of its own (:mod:`ljwx_training.errors`).
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
import warnings
from pathlib import Path

from ljwx_training import VERSION
from ljwx_training.errors import NoSpace, NotInstalled, TrainingError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def main() -> None:
    """Read the command line, and run."""
    parser = argparse.ArgumentParser(prog="ljwx_training", description="Train the job of a folder.")
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="train, or go on")
    run.add_argument("job", type=Path, help="folder with job.json")
    run.add_argument("--shard", action="store_true", help="torchrun's processes hold a part of the base each (FSDP)")
    arguments = parser.parse_args()
    folder: Path = arguments.job
    (folder / "error.json").unlink(missing_ok=True)
    try:
        train(folder, shard=arguments.shard)
    except TrainingError as error:
        sys.exit(told(folder, error))
    except Exception as error:
        if not is_full(error):
            raise
        sys.exit(told(folder, NoSpace(f"no space is left for {folder}: {error}")))


def train(folder: Path, *, shard: bool) -> None:
    """Run the job; libraries reach the hub only where the job says so."""
    try:
        from ljwx_training.job import read_job

        os.environ["HF_HUB_OFFLINE"] = "0" if read_job(folder).hub else "1"
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        warnings.filterwarnings("ignore", module=r"(peft|transformers|accelerate|torch)\..*")
        import torch  # missing, transformers would go on without it
        from transformers.utils import logging

        from ljwx_training.memory import keep_memory
        from ljwx_training.run import RESULT, run

        if not torch.cuda.is_available():
            keep_memory()

        logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    except ImportError as error:
        if (error.name or "").startswith("ljwx_training"):
            raise
        raise NotInstalled(f"{error.name or error} is not installed: pip install ./training") from error
    run(folder, shard=shard)
    sys.stdout.write(f"{folder / RESULT}\n")


def told(folder: Path, error: TrainingError) -> int:
    """Say a failure in one line and in error.json, and return the exit code."""
    message = " ".join(str(error).split())
    sys.stderr.write(f"{error.name}: {message}\n")
    if folder.is_dir() and error.name != "busy":
        try:
            from ljwx_training.files import write_json

            write_json(folder / "error.json", {"error": error.name, "code": error.code, "message": message})
        except (OSError, ImportError):
            pass
    return error.code


def is_full(error: BaseException | None) -> bool:
    """Tell whether a disk or quota is full: as an OSError, or in the words of torch and safetensors."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            return True
        text = str(error)
        if "No space left" in text or "os error 28" in text or "File too large" in text or "file write failed" in text:
            return True
        error = error.__cause__ or error.__context__
    return False


if __name__ == "__main__":
    main()
