"""Scripts that run where torch is: an environment of its own, as the product has it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ljwx_sandbox.ollama.__main__ import base_gguf
from support_ollama import ROOT

PYTHON = Path(os.environ.get("LJWX_TRAINING_PYTHON", ROOT / ".venv-training" / "bin" / "python"))


def needs_torch() -> None:
    """Skip where no Python with torch is."""
    if not PYTHON.is_file():
        pytest.skip(f"there is no Python with torch at {PYTHON}: make test-training sets one up")


def run_with_torch(script: str, *arguments: object) -> None:
    """Run a script with the trainer and the tiny bases of its tests, on one thread."""
    folders = os.pathsep.join(str(ROOT / name) for name in ("training", "training/benchmarks", "training/tests"))
    environment = {**os.environ, "PYTHONPATH": folders, "OMP_NUM_THREADS": "1", "LJWX_SMOLLM2": str(base_gguf())}
    command = [str(PYTHON), "-c", script, *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
