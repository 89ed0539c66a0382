"""What reading a DAG file costs: Airflow's own DagBag on each file, each time in a fresh process."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

DAGS = Path(__file__).resolve().parents[1] / "dags"

EMPTY = "from airflow.sdk import dag\n\n\n@dag()\ndef empty():\n    pass\n\n\nempty()\n"

PROGRAM = """
import sys, time
from airflow.dag_processing.dagbag import DagBag
begin = time.perf_counter()
bag = DagBag(sys.argv[1])
taken = time.perf_counter() - begin
if bag.import_errors or len(bag.dags) != 1:
    sys.exit(f"{sys.argv[1]}: {bag.import_errors}")
print(taken)
"""
"""The dag-processor forks from a process that has imported as much of Airflow as this; that import is not counted."""


def dag_parse(runs: int = 5) -> dict[str, Any]:
    """Seconds that the slowest DAG file needs more than an empty one; medians, files taken in turn."""
    with tempfile.TemporaryDirectory(prefix="ljwx-bench-") as folder:
        empty = Path(folder) / "empty.py"
        empty.write_text(EMPTY)
        files = [empty, *sorted(DAGS.glob("*.py"))]
        taken: dict[str, list[float]] = {path.stem: [] for path in files}
        for _ in range(runs):
            for path in files:
                taken[path.stem].append(_parse_seconds(path, folder))
    medians = {name: statistics.median(times) for name, times in taken.items()}
    peer = medians.pop("empty")
    slowest = max(medians, key=lambda name: medians[name])
    extra = ", ".join(f"{name} {seconds - peer:.3f}" for name, seconds in medians.items())
    ours = medians[slowest]
    return {"value": ours - peer, "unit": "s", "ours": ours, "peer": peer, "runs": runs, "note": f"extra: {extra}"}


def _parse_seconds(path: Path, home: str) -> float:
    chosen = {"AIRFLOW_HOME": home, "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)], env=os.environ | chosen, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return float(done.stdout.splitlines()[-1])
