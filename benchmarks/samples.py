"""A million samples of a generated market: from feature rows in memory to JSONL and Alpaca files, on one core.

Each figure is measured in a process of its own with one thread on one core, which reads bars and features from files
made by another process. Seconds are of CPU, so that others at work on the machine count little; peak memory is the
high-water mark (VmHWM), the bars and features included. Run it alone:
``python -m benchmarks.samples``.
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
    """Largest memory of the process that makes JSONL and Alpaca files, MB; `peer` is that of bars and features."""
    run = measured("all")
    return {
        "value": run["peak"], "unit": "MB", "ours": run["peak"], "peer": run["before"], "runs": 1,
        "note": f"{run['samples']} samples of {run['rows']} stock-sessions; peer: before the build",
    }  # fmt: skip


@cache
def measured(kind: str) -> dict[str, Any]:
    """Run a child per step: one makes the market, the other is measured."""
    with tempfile.TemporaryDirectory(prefix="ljwx-bench-") as folder:
        for step in ("market", kind):
            command = [sys.executable, "-m", "benchmarks.samples", step, folder]
            env = {**os.environ, "POLARS_MAX_THREADS": "1"} if step != "market" else None
            done = subprocess.run(command, cwd=REPOSITORY, env=env, stdout=subprocess.PIPE, text=True, check=True)
        found: dict[str, Any] = json.loads(done.stdout)
    return found


def make_market(folder: Path) -> None:
    """Write bars, features and instruments of random walks with 2 % daily moves."""
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
    industries = [f"行业{i % 100}" for i in range(STOCKS)]
    pl.DataFrame({"ts_code": codes, "name": codes, "industry": industries}).with_columns(
        market=pl.lit("主板"), list_date=pl.lit(date(2000, 1, 4)), delist_date=pl.lit(None, pl.Date)
    ).write_parquet(folder / "instruments.parquet")


def _days() -> list[date]:
    return [date(2024, 1, 1) + timedelta(days=i) for i in range(SESSIONS)]


def run(kind: str, folder: Path) -> dict[str, Any]:
    """Build and write, and say how long it took and how much memory it needed."""
    import polars as pl

    from ljwx.core.samples import SPLITS, SampleSpec, alpaca_chunks, build, dataset_hash, jsonl_lines, load_prompts

    prompts = load_prompts(REPOSITORY / "include" / "prompts", "v1")
    frames = (pl.read_parquet(folder / f"{name}.parquet") for name in ("bars", "features", "instruments"))
    bars, features, instruments = frames
    rows, before, spec = len(bars), _peak_mb(), SampleSpec()
    clock, begin = time.perf_counter(), time.process_time()
    built = build(bars, features, instruments, _days(), spec)
    del bars, features
    dataset_hash(built.index, spec, prompts)
    made = time.process_time()
    for split in SPLITS:
        _write(folder / f"{split}.jsonl", jsonl_lines(built.blocks(split, prompts), prompts))
    end, clock = time.process_time(), time.perf_counter() - clock
    if kind == "all":
        for split in SPLITS:
            _write(folder / f"{split}.alpaca.json", alpaca_chunks(built.blocks(split, prompts), prompts))
    samples = len(built.index)
    if samples < WANTED:
        raise RuntimeError(f"{samples} samples, not {WANTED}")
    return {
        "samples": samples, "rows": rows, "seconds": end - begin, "clock": clock, "before": before, "peak": _peak_mb(),
        "parts": {"build": round(made - begin, 1), "jsonl": round(end - made, 1)},
    }  # fmt: skip


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
    else:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        result = run(arguments[0], Path(arguments[1]))
    sys.stdout.write(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
