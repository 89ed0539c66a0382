"""Training on this machine: how fast beside transformers' own Trainer, and how long the merged file takes.

Both run in the trainer's environment (`make test-training` sets it up, LJWX_TRAINING_PYTHON names another), on samples
of the simulated market in the product's own prompts, and on SmolLM2-135M. Without that environment they say so.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.gate import REPOSITORY
from benchmarks.lessons import job, lessons

PYTHON = Path(os.environ.get("LJWX_TRAINING_PYTHON", REPOSITORY / ".venv-training" / "bin" / "python"))
STEPS, BATCH, WATCHED = int(os.environ.get("LJWX_BENCH_STEPS", "8")), 8, 16
MERGE = """
import json, statistics, sys, time
from pathlib import Path
import torch
from ljwx_training.adapter import with_adapter
from ljwx_training.base import Base
from ljwx_training.export import deltas_of, write_merged
from ljwx_training.recipe import Hyperparameters

base, seconds = Base(Path(sys.argv[1])), []
model = with_adapter(base.model(torch.bfloat16), Hyperparameters(), 0)
for name, parameter in model.named_parameters():
    if "lora_B" in name:
        torch.nn.init.normal_(parameter, std=0.02)
for _ in range(3):
    began = time.monotonic()
    write_merged(base, deltas_of(model), "F16", Path(sys.argv[2]))
    seconds.append(time.monotonic() - began)
print(json.dumps(seconds))
"""


def train_speedup_vs_plain() -> dict[str, Any]:
    """Seconds of training by transformers' Trainer with peft / by the trainer, to the same loss on unseen samples."""
    with tempfile.TemporaryDirectory() as name:
        folder, result = Path(name), Path(name) / "speed.json"
        base = _base()
        written = lessons(0.3, 7, STEPS * BATCH, WATCHED, thin_gap=3).write(folder, truth_share=0.5)
        digest = hashlib.sha256(base.read_bytes()).hexdigest()
        (folder / "job.json").write_text(job(written, base, digest), encoding="utf-8")
        run_trainer(
            str(REPOSITORY / "training" / "benchmarks" / "cpu.py"), str(folder), str(result), "--steps", str(STEPS)
        )
        told = json.loads(result.read_text(encoding="utf-8"))
    ours, peer = told["long"]["ours"], told["long"][told["peer"]]
    shares = ", ".join(f"{name} x{share:.2f}" for name, share in told["slower_without"].items())
    losses = f"{ours['validation_loss']:.3f} and {peer['validation_loss']:.3f}"
    note = f"s for {STEPS} steps of {BATCH}; peer {told['peer']}; loss on unseen samples {losses}; slower {shares}"
    figures = {"ours": ours["seconds"], "peer": peer["seconds"]}
    return {"value": told["speedup"], "unit": "x", **figures, "runs": 1, "note": note}


def merge_s() -> dict[str, Any]:
    """Seconds to write the merged file of SmolLM2-135M in F16, with an adapter on all projections."""
    with tempfile.TemporaryDirectory() as name:
        seconds = json.loads(run_trainer("-c", MERGE, str(_base()), str(Path(name) / "merged.gguf")).splitlines()[-1])
    return {"value": min(seconds), "unit": "s", "ours": min(seconds), "peer": max(seconds), "runs": len(seconds)}


@cache
def _base() -> Path:
    """The GGUF of SmolLM2-135M that the sandbox serves."""
    from ljwx_sandbox.ollama.__main__ import base_gguf

    return base_gguf()


def run_trainer(*arguments: str) -> str:
    """Run the trainer's Python; return what it prints."""
    if not PYTHON.is_file():
        raise SystemExit(f"there is no Python with torch at {PYTHON}: make test-training sets it up")
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "training")}
    done = subprocess.run([str(PYTHON), *arguments], env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout
