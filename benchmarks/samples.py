"""A million samples of a generated market: from feature rows in memory to JSONL and Alpaca files, on one core.

Each figure is measured in a process of its own with one thread on one core. Seconds are of CPU, so that others at work
on the machine count little; they begin with bars and features in memory. Peak memory is the high-water mark (VmHWM) of
a process that does what the task does but for writing the rows: it reads bars and features from PostgreSQL by the
task's own function, builds, and writes all files. Run it alone: ``python -m benchmarks.samples``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
STOCKS, SESSIONS = 2_050, 250
"""Of which the default settings make more than a million samples."""
WANTED = 1_000_000
SEED_SAMPLES_PER_S = 100 / 30


def samples_per_s() -> dict[str, Any]:
    """Samples a second of one core, from feature rows to the three JSONL files; the seed system took 30 s for 100."""
    run = measured("jsonl")
    rate = run["samples"] / run["seconds"]
    return {
        "value": rate, "unit": "/s", "ours": rate, "peer": SEED_SAMPLES_PER_S, "runs": 1,
        "note": f"{run['samples']} samples; seconds of CPU: {run['parts']}; by the clock {run['clock']:.1f}",
    }  # fmt: skip


def dataset_peak_rss_mb() -> dict[str, Any]:
    """Largest memory of a process that reads the warehouse, builds, and writes all files, MB; `peer`: before that."""
    run = measured("all")
    return {
        "value": run["peak"], "unit": "MB", "ours": run["peak"], "peer": run["before"], "runs": 1,
        "note": f"{run['samples']} samples of {run['rows']} stock-sessions; peer: before the first bar",
    }  # fmt: skip


@cache
def measured(kind: str) -> dict[str, Any]:
    """Run a child per step: one makes the market, another puts it into a warehouse if need be, the last is measured."""
    from benchmarks.warehouse import running_warehouse  # not above: pandas would count as memory of the measured child

    with tempfile.TemporaryDirectory(prefix="ljwx-bench-") as folder:
        _child("market", folder)
        if kind != "all":
            return _child(kind, folder)
        with running_warehouse():
            _child("warehouse", folder)
            return _child(kind, folder)


def _child(step: str, folder: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.samples", step, folder]
    env = {**os.environ, "POLARS_MAX_THREADS": "1"} if step in ("jsonl", "all") else None
    done = subprocess.run(command, cwd=REPOSITORY, env=env, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def make_market(folder: Path) -> dict[str, Any]:
    """Write bars, features, instruments, names and industries of random walks with 2 % daily moves."""
    import numpy as np
    import polars as pl

    from ljwx.core.features import compute

    random = np.random.default_rng(7)
    shape = (STOCKS, SESSIONS)
    close = (10 * np.exp(np.cumsum(random.normal(0, 0.02, shape), axis=1))).round(2)
    pre = np.concatenate([close[:, :1], close[:, :-1]], axis=1)
    start = (pre * np.exp(random.normal(0, 0.005, shape))).round(2)
    vol = np.round(random.lognormal(10, 1, shape))
    columns = {
        "open": start,
        "high": (np.maximum(close, start) * np.exp(np.abs(random.normal(0, 0.005, shape)))).round(2),
        "low": (np.minimum(close, start) * np.exp(-np.abs(random.normal(0, 0.005, shape)))).round(2),
        "close": close,
        "pre_close": pre,
        "vol": vol,
        "amount": vol * close / 10,
        "adj_factor": np.repeat(random.uniform(1, 100, STOCKS).round(3), SESSIONS).reshape(shape),
        "up_limit": (pre * 1.1).round(2),
        "down_limit": (pre * 0.9).round(2),
    }
    codes = [f"{i:06d}.SZ" for i in range(STOCKS)]
    keys = {"ts_code": np.repeat(codes, SESSIONS), "session": pl.Series(_days() * STOCKS, dtype=pl.Date)}
    bars = pl.DataFrame({**keys, **{name: values.ravel() for name, values in columns.items()}})
    bars.write_parquet(folder / "bars.parquet")
    compute(bars).write_parquet(folder / "features.parquet")
    since = pl.lit(date(2000, 1, 4))
    listed = pl.DataFrame({"ts_code": codes}).with_columns(list_date=since, delist_date=pl.lit(None, pl.Date))
    listed.write_parquet(folder / "instruments.parquet")
    told = {"names": ("name", codes), "industries": ("industry", [f"行业{i % 100}" for i in range(STOCKS)])}
    for name, (what, values) in told.items():
        periods = pl.DataFrame({"ts_code": codes, what: values}).with_columns(start_date=since)
        periods.write_parquet(folder / f"{name}.parquet")
    return {"rows": len(bars)}


def fill_warehouse(folder: Path) -> dict[str, Any]:
    """Write the market's bars and features as the stages before do."""
    import polars as pl

    from ljwx.core.features import FEATURE_VERSION
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.warehouse.market.bars import IngestDay
    from ljwx.warehouse.runs import RunRef

    hook = WarehouseHook()
    run_key = hook.start_run(RunRef("bench", "bench", "samples"))
    empty = pl.lit(None, pl.Float64)
    bars = pl.read_parquet(folder / "bars.parquet").with_columns(
        ah_vol=empty, ah_amount=empty, flags=pl.lit([], pl.List(pl.String))
    )
    for (session,), rows in bars.partition_by("session", as_dict=True).items():
        day = IngestDay(session, complete=True, expected=STOCKS, received=STOCKS, quarantined=0, suspended=0)
        hook.save_day(run_key, day, rows)
    features = pl.read_parquet(folder / "features.parquet").with_columns(feature_version=pl.lit(FEATURE_VERSION))
    written = hook.save_features(run_key, features.iter_slices(40_000))
    return {"rows": written.inserted}


def _days() -> list[date]:
    return [date(2024, 1, 1) + timedelta(days=i) for i in range(SESSIONS)]


def run(kind: str, folder: Path) -> dict[str, Any]:
    """Build and write, and say how long it took and how much memory it needed."""
    import polars as pl

    from ljwx.core.datasets.build import build, made
    from ljwx.core.datasets.exports import alpaca_chunks, dataset_hash, jsonl_lines
    from ljwx.core.datasets.market.known import Known
    from ljwx.core.datasets.market.sessions import lay
    from ljwx.core.datasets.spec import SPLITS, SampleSpec
    from ljwx.core.prompts import load_prompts
    from ljwx.resources import included_below

    spec = SampleSpec()
    prompts = load_prompts(included_below("prompts"), "v1", spec.tasks)
    known = {name: pl.read_parquet(folder / f"{name}.parquet") for name in ("instruments", "names", "industries")}
    source = None if kind == "all" else _from_files(folder)
    before = _peak_mb()
    clock, begin = time.perf_counter(), time.process_time()
    if source is None:
        built = made(lay(_from_warehouse(), Known(sessions=_days(), spec=spec, **known), _shelf(folder)))
    else:
        built = build(*source, sessions=_days(), spec=spec, **known)
    del source
    dataset_hash(built.parts(), spec, prompts)
    made = time.process_time()
    for split in SPLITS:
        _write(folder / f"{split}.jsonl", jsonl_lines(built.blocks(split, prompts), prompts))
    end, clock = time.process_time(), time.perf_counter() - clock
    if kind == "all":
        for split in SPLITS:
            _write(folder / f"{split}.alpaca.json", alpaca_chunks(built.blocks(split, prompts), prompts))
    samples, rows = len(built.keys), len(built.rows)
    if samples < WANTED:
        raise RuntimeError(f"{samples} samples, not {WANTED}")
    return {
        "samples": samples, "rows": rows, "seconds": end - begin, "clock": clock, "before": before, "peak": _peak_mb(),
        "parts": {"build": round(made - begin, 1), "jsonl": round(end - made, 1)},
    }  # fmt: skip


def _from_files(folder: Path) -> Any:
    import polars as pl

    return [pl.read_parquet(folder / f"{name}.parquet") for name in ("bars", "features")]


def _from_warehouse() -> Any:
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.stages.samples.as_of import AsOf, parts_as_of, sessions_as_of

    warehouse = WarehouseHook()
    as_of = AsOf(warehouse.moment())
    return parts_as_of(warehouse, as_of, sessions_as_of(warehouse, as_of))


def _shelf(folder: Path) -> Any:
    from ljwx.stages.samples.shelf import DiskShelf

    (folder / "shelf").mkdir()
    return DiskShelf(folder / "shelf")


def _write(path: Path, texts: Any) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(texts)


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return float(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def main(arguments: list[str]) -> None:
    """Do one step in this process, or measure both figures."""
    if not arguments:
        result: Any = {"samples_per_s": samples_per_s(), "dataset_peak_rss_mb": dataset_peak_rss_mb()}
    elif arguments[0] == "market":
        result = make_market(Path(arguments[1]))
    elif arguments[0] == "warehouse":
        result = fill_warehouse(Path(arguments[1]))
    else:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        result = run(arguments[0], Path(arguments[1]))
    sys.stdout.write(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
