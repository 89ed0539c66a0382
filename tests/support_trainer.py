"""A trainer that trains nothing, and writes the files that the real one writes; what it does stands in job.json."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

PROGRAM = """
import fcntl, json, os, pathlib, subprocess, sys, time

job = pathlib.Path(sys.argv[-1])
plan = json.loads((job / "job.json").read_text())
(job / "error.json").unlink(missing_ok=True)
(job / "starts").open("a").write("started\\n")
(job / "environment.json").write_text(json.dumps(dict(os.environ)))
if plan.get("silent_death"):
    print("Segmentation fault")
    sys.exit(139)
lock = (job / "lock").open("w")
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("busy: another process trains")
    sys.exit(12)
if plan.get("child"):
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
metrics = job / "metrics.jsonl"
done = len(metrics.read_text().splitlines()) if metrics.exists() else 0
for step in range(done + 1, plan["steps"] + 1):
    if (job / "stop").exists():
        (job / "error.json").write_text(json.dumps({"error": "stopped", "code": 13, "message": "told to stop"}))
        sys.exit(13)
    time.sleep(plan.get("seconds", 0.01))
    line = {"kind": "step", "step": step, "of": plan["steps"], "loss": 1 / step, "tokens_per_s": 200.0, "seconds": 3.0}
    with metrics.open("a") as file:
        file.write(json.dumps(line) + "\\n")
    if step == plan.get("hangs_at"):
        time.sleep(600)
    if step == plan.get("dies_at") and step > done:
        os.kill(os.getpid(), 9)
if "error" in plan:
    (job / "error.json").write_text(json.dumps(plan["error"]))
    sys.exit(plan["error"]["code"])
result = {"merged": {"sha256": "a" * 64}, "adapter": {"sha256": "b" * 64}}
(job / "result.partial").write_text(json.dumps(result))
(job / "result.partial").rename(job / "result.json")
"""


def fake_python(folder: Path) -> str:
    """Write a program that is called as Python is, and acts as ``-m ljwx_training run JOB``; return its path."""
    script = folder / "trainer.py"
    script.write_text(PROGRAM)
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} {script} "$@"\n')
    python.chmod(0o755)
    return str(python)


def make_job(folder: Path, steps: int = 3, **plan: Any) -> Path:
    """Write a job of the fake trainer."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "job.json").write_text(json.dumps({"steps": steps, **plan}))
    return folder


def starts(job: Path) -> int:
    """Return how often its trainer was started."""
    path = job / "starts"
    return len(path.read_text().splitlines()) if path.exists() else 0


def process_of(job: Path) -> psutil.Process:
    """Return the running trainer."""
    return psutil.Process(int(json.loads((job / "started.json").read_text())["name"]))


def steps_of(job: Path) -> int:
    """Return how many steps were made."""
    path = job / "metrics.jsonl"
    return len(path.read_text().splitlines()) if path.exists() else 0


def wait(ready: Any, seconds: float = 20) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def kill_leftovers(folder: Path) -> None:
    """End every trainer that a test left running below a folder."""
    for path in folder.rglob("started.json"):
        with suppress(psutil.Error, ValueError, ProcessLookupError):
            process = process_of(path.parent)
            if str(path.parent) in process.cmdline():
                for each in [*process.children(recursive=True), process]:
                    os.kill(each.pid, signal.SIGKILL)
