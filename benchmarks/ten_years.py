"""A whole market from files to a dataset, at full length, once by hand: seconds and peak memory of each step.

``python -m benchmarks.ten_years --years 10`` writes the files of 5,400 stocks a session at a time, and takes them
through `ljwx import`, features and dataset, each step in a process of its own; peak memory is its high-water mark
(VmHWM). The database is the embedded one and is not counted. Ten years are 13 million rows, and need 12 GB of disk;
the files of a dataset with all their samples would need far more, so ``--per-session`` takes some of each session's.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.warehouse import running_warehouse

REPOSITORY = Path(__file__).resolve().parents[1]
LAST = date(2026, 6, 30)
STEPS = ("files", "import", "features", "dataset")


def step(name: str, folder: Path, days: list[date], stocks: int, per_session: int) -> dict[str, Any]:
    """Do one step in this process."""
    from benchmarks.year import _peak_mb, _task

    begin, found = time.perf_counter(), dict[str, Any]()
    if name == "files":
        from benchmarks.market_files import write_market

        found["rows"] = write_market(folder / "history", days, stocks)
    elif name == "dataset":
        samples = {"per_session_cap": per_session}
        found["dataset"], _ = _task("build_dataset", {}, settings={"samples": samples})
    else:
        from ljwx.hooks.warehouse import WarehouseHook
        from ljwx.services.importing.files import digests, find_files
        from ljwx.services.importing.months import Importer
        from ljwx.services.importing.spooling import spooled

        files = find_files([folder / "history"])
        importer = Importer(WarehouseHook(), digests(files.used).of_all, _say)
        if name == "import":
            (folder / "spool").mkdir()
            spool = spooled(files, folder / "spool", lambda _: None)
            importer.write_reference(spool, {})
            found |= asdict(importer.write_months(spool, days, again=False))
            shutil.rmtree(folder / "spool")
        else:
            found["rows"] = importer.write_features()
    return found | {"seconds": round(time.perf_counter() - begin), "peak_mb": round(_peak_mb())}


def main(arguments: list[str] | None = None) -> int:
    """Do all steps one after the other, each in a process of its own; or one of them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ten_years", description="Measure at full length.")
    parser.add_argument("--years", type=int, default=1)
    parser.add_argument("--stocks", type=int, default=5_400)
    parser.add_argument("--per-session", type=int, default=60, help="most samples of a session and task")
    parser.add_argument("--step", choices=STEPS)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args(arguments)
    days = _days(given.years)
    if given.step:
        sys.stdout.write(
            json.dumps(step(given.step, given.folder, days, given.stocks, given.per_session), default=str) + "\n"
        )
        return 0
    with tempfile.TemporaryDirectory(prefix="ljwx-bench-", dir=given.folder) as name, running_warehouse():
        for each in STEPS:
            options = ["--years", given.years, "--stocks", given.stocks, "--per-session", given.per_session]
            options += ["--step", each, "--folder", name]
            environment = {**os.environ, "LJWX_DATA": f"{name}/data", "AIRFLOW_HOME": f"{name}/airflow"}
            command = [sys.executable, "-m", "benchmarks.ten_years", *map(str, options)]
            done = subprocess.run(
                command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True, check=True
            )
            _say(f"{each}: {done.stdout.strip()}")
    return 0


def _days(years: int) -> list[date]:
    from ljwx.resources import sse_calendar

    return list(sse_calendar().between(date(LAST.year - years, LAST.month, LAST.day), LAST)[1:])


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
