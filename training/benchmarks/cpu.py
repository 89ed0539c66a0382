"""How much faster the trainer is than transformers' Trainer with peft, on the processor at hand, and by what.

From ``training/``, in the trainer's environment::

    python benchmarks/cpu.py JOB RESULT

JOB is a folder with job.json and its rows, as the trainer takes them. Each way is a process of its own: `plain` is
transformers' Trainer with peft as its documentation has it, in 32 bits and in bf16; `ours` is the trainer, and once
more with each of its techniques left out. All train the same rank, projections, samples and order, by the plain loss of
the answers' tokens; the answer loss on the validation rows stands beside the seconds. RESULT gets JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

BATCH = 4
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "4000000000", "MALLOC_TRIM_THRESHOLD_": "4000000000"}
WAYS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "plain_fp32": ({"plain": True, "precision": "fp32"}, {}),
    "plain_bf16": ({"plain": True}, {}),
    "ours": ({}, ALLOCATOR),
    "without_prefix": ({"prefix": False}, ALLOCATOR),
    "without_kept_logits": ({"kept": False}, ALLOCATOR),
    "without_lean_adapter": ({"lean": False}, ALLOCATOR),
    "without_allocator": ({}, {}),
    "without_bf16": ({"precision": "fp32"}, ALLOCATOR),
}
"""Of each way the options and the environment."""


def main() -> None:
    """Run each way in turn; the two that are compared run longest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("--way", choices=list(WAYS), help="this one alone, in this process")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--few", type=int, default=4, help="steps of the ways that only show a share")
    chosen = parser.parse_args()
    if chosen.way:
        options, _ = WAYS[chosen.way]
        chosen.result.write_text(json.dumps(measured(chosen.job, chosen.steps, **options)), encoding="utf-8")
        return
    slow = {name: run_way(name, chosen.job, chosen.few) for name in ("plain_fp32", "plain_bf16")}
    plain = min(slow, key=lambda name: slow[name]["step_s"])
    told = {"few": slow | {name: run_way(name, chosen.job, chosen.few) for name in WAYS if "plain" not in name}}
    told |= {name: run_way(name, chosen.job, chosen.steps) for name in (plain, "ours")}
    told |= {"peer": plain, "speedup": told[plain]["seconds"] / told["ours"]["seconds"]}
    chosen.result.write_text(json.dumps(told, indent=1), encoding="utf-8")


def run_way(name: str, job: Path, steps: int) -> dict[str, Any]:
    """Measure one way in a process with its own environment."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        command = [sys.executable, __file__, str(job), str(result), "--way", name, "--steps", str(steps)]
        subprocess.run(command, env={**os.environ, **WAYS[name][1]}, check=True)
        figures: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    print(name, json.dumps(figures), flush=True)
    return figures


def measured(
    folder: Path, steps: int, plain: bool = False, precision: str = "bf16", **left_out: bool
) -> dict[str, Any]:
    """Train so many steps one way; return its seconds, evaluation left out, and what it then makes of unseen rows."""
    import torch

    from ljwx_training.adapter import with_adapter
    from ljwx_training.base import Base
    from ljwx_training.job import read_job
    from ljwx_training.recipe import Hyperparameters, Objective
    from ljwx_training.run import encoder_of, rows_of

    job = replace_objective(read_job(folder), Objective())
    base = Base((folder / job.base.path).resolve())
    rows = {name: rows_of(name, getattr(job, name), folder, job) for name in ("train", "validation")}
    encoder = encoder_of(base, job, rows["train"])
    train, validation = (encoder.samples(rows[name]) for name in ("train", "validation"))
    settings = Hyperparameters(
        learning_rate=1e-3, batch=BATCH, micro_batch=BATCH, steps=steps, evaluate_every=10_000, precision=precision
    )
    settings = replace(settings, schedule="constant", warmup=0.0)
    frozen = base.model(torch.bfloat16 if precision == "bf16" else torch.float32)
    model = with_adapter(frozen, settings, seed=7)
    seconds = (plain_seconds if plain else our_seconds)(model, train, settings, **left_out)
    return {
        "seconds": round(sum(seconds), 2),
        "step_s": round(statistics.median(seconds), 3),
        "validation_loss": validation_loss(model, validation, precision),
        "tokens": sum(len(sample.ids) for sample in train[: steps * BATCH]),
        "steps_s": [round(each, 3) for each in seconds],
    }
