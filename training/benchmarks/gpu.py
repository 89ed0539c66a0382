"""LoRA on one GPU: speed, memory and going on after a kill, on random weights of deepseek-llm 7B's shape. No network.

From the repository's root, within about 8 minutes on one H100 (and a minute on a CPU with ``--tiny``)::

    OUT=build PYTHONPATH=training python3 training/benchmarks/gpu.py

It needs torch, transformers, peft, accelerate and safetensors, and measures QLoRA where bitsandbytes is installed too.
Each part is a process of its own, so that one that fails leaves the others' figures; they are in $OUT/gpu.json
(default: build) after every part. Operations are counted as 4 x parameters x tokens: forward and backward through
frozen weights; recomputation and padding are not counted. The share is of the card's dense bf16 peak.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
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
os.environ.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")

PEAK_TFLOPS = {"H100": 989.0, "H200": 989.0, "A100": 312.0}
LIMIT_S = 480
SHAPES: dict[str, dict[str, int]] = {
    "7b": {
        "num_hidden_layers": 30,
        "hidden_size": 4096,
        "num_attention_heads": 32,
        "num_key_value_heads": 32,
        "intermediate_size": 11008,
        "vocab_size": 102400,
    },
    "tiny": {
        "num_hidden_layers": 2,
        "hidden_size": 64,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "intermediate_size": 128,
        "vocab_size": 512,
    },
}


def main() -> None:
    """Run every part in turn while time is left."""
    arguments = parsed()
    if arguments.part:
        result = PARTS[arguments.part](arguments)
        Path(arguments.result).write_text(json.dumps(result), encoding="utf-8")
        return
    out = Path(os.environ.get("OUT", "build"))
    out.mkdir(parents=True, exist_ok=True)
    began, report = time.monotonic(), {"machine": machine()}
    for name, options, wanted in plan(arguments.tiny):
        left = LIMIT_S - (time.monotonic() - began)
        report[name] = (
            run_part(options, arguments.tiny, min(wanted, left)) if left > 20 else {"skipped": "no time left"}
        )
        report["seconds"] = round(time.monotonic() - began, 1)
        (out / "gpu.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
        print(name, json.dumps(report[name]), flush=True)
    print(json.dumps(report, indent=1))


def plan(tiny: bool) -> list[tuple[str, list[str], float]]:
    """Parts with their options and the seconds that each may take, the most wanted first."""
    if tiny:  # compiling takes minutes on a CPU
        few = ["speed", "--micro", "1,2"]
        return [("plain", few, 100), ("resume", ["resume"], 100), ("qlora", [*few, "--quantize"], 100)]
    return [
        ("plain", ["speed", "--micro", "4,8,12,16"], 110),
        ("compiled", ["speed", "--micro", "8,12", "--compile"], 150),
        ("resume", ["resume"], 120),
        ("qlora", ["speed", "--micro", "8,16", "--quantize"], 100),
        ("checkpointing", ["speed", "--micro", "16,32", "--checkpointing"], 80),
    ]


def parsed() -> argparse.Namespace:
    """The command line; --part and what follows are for the processes that this one starts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true", help="a tiny model, to try the script itself")
    parser.add_argument("--part", choices=list(PARTS))
    parser.add_argument("--result")
    parser.add_argument("--micro", default="1")
    for flag in ("compile", "quantize", "checkpointing", "train"):
        parser.add_argument(f"--{flag}", action="store_true")
    parser.add_argument("--folder")
    return parser.parse_args()


def run_part(options: list[str], tiny: bool, seconds: float) -> dict[str, Any]:
    """Run one part; what it says of a failure is its last lines."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        command = [sys.executable, __file__, "--part", *options, "--result", str(result), *["--tiny"] * tiny]
        with (Path(folder) / "log").open("w+", encoding="utf-8") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
            try:
                process.wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            log.seek(0)
            last = log.read()[-1500:]
        if result.exists():
            figures: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
            return figures if process.returncode == 0 else {**figures, "ended": process.returncode}
        return {"failed": process.returncode, "seconds_allowed": round(seconds), "log": last}


def machine() -> dict[str, Any]:
    """The card and the libraries."""
    import accelerate
    import peft
    import torch
    import transformers

    gpu = torch.cuda.is_available()
    versions = {module.__name__: module.__version__ for module in (torch, transformers, peft, accelerate)}
    card = torch.cuda.get_device_name(0) if gpu else None
    peak = next((value for name, value in PEAK_TFLOPS.items() if name in (card or "")), None)
    memory = round(torch.cuda.get_device_properties(0).total_memory / 2**30, 1) if gpu else None
    return {"card": card, "memory_gib": memory, "peak_tflops": peak, "versions": versions, "cpus": os.cpu_count()}


def random_base(tiny: bool, blocks: int | None = None) -> Any:
    """A llama of random weights in bf16, made where it will run."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    shape = dict(SHAPES["tiny" if tiny else "7b"])
    if blocks:
        shape["num_hidden_layers"] = blocks
    config = LlamaConfig(**shape, max_position_embeddings=4096, tie_word_embeddings=False, attn_implementation="sdpa")
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model = LlamaForCausalLM(config)
    torch.set_default_dtype(torch.float32)
    return model


def samples(count: int, tiny: bool) -> list[Any]:
    """Samples as long as ours: about 620 tokens, 75 to 110 of them the answer, one of which decides the class."""
    from ljwx_training.samples import Decision, Sample

    chance, vocabulary = random.Random(0), SHAPES["tiny" if tiny else "7b"]["vocab_size"]
    made = []
    for _ in range(count):
        prompt, answer = chance.randint(510, 530), chance.randint(75, 110)
        ids = tuple(chance.randrange(vocabulary) for _ in range(prompt + answer))
        truth = chance.randrange(3)
        target = tuple(0.8 if at == truth else 0.1 for at in range(3))
        at = prompt + 3
        classes = (5, 6, 7)
        made.append(
            Sample((*ids[:at], classes[truth], *ids[at + 1 :]), prompt, 1.0, (Decision(at, classes, target, truth),))
        )
    return made


def fitted(folder: Path, base: Any, rows: list[Any], settings: Any) -> list[dict[str, Any]]:
    """Train by the trainer's own loop, and return the lines of its metrics."""
    from ljwx_training.adapter import with_adapter
    from ljwx_training.batches import Collator
    from ljwx_training.loop import Plan, fit
    from ljwx_training.metrics import Metrics
    from ljwx_training.recipe import Objective

    metrics = Metrics(folder / "metrics.jsonl")
    fit(
        Plan(
            model=lambda: with_adapter(base, settings, seed=0),
            collator=Collator(Objective(class_weight=10.0)),
            train=rows,
            validation=(),
            settings=settings,
            seed=0,
            folder=folder / "checkpoints",
            metrics=metrics,
            recipe="gpu",
        )
    )
    return metrics.lines()


def speed(arguments: argparse.Namespace) -> dict[str, Any]:
    """Tokens per second, share of the peak and peak memory for each size of micro-batch that fits."""
    import torch

    from ljwx_training.adapter import in_four_bits
    from ljwx_training.recipe import Hyperparameters

    began = time.monotonic()
    base = random_base(arguments.tiny)
    parameters = sum(parameter.numel() for parameter in base.parameters())
    if arguments.quantize:
        try:
            import bitsandbytes
        except ImportError:
            return {"skipped": "bitsandbytes is not installed"}
        base = in_four_bits(base)
    result: dict[str, Any] = {"parameters": parameters, "build_s": round(time.monotonic() - began, 1), "runs": []}
    if arguments.quantize:
        result["bitsandbytes"] = bitsandbytes.__version__
    for micro in map(int, arguments.micro.split(",")):
        steps = 2 if arguments.tiny else 8
        settings = Hyperparameters(
            rank=16,
            batch=micro,
            micro_batch=micro,
            steps=steps,
            evaluate_every=1000,
            compile=arguments.compile,
            gradient_checkpointing=arguments.checkpointing,
        )
        if arguments.compile:
            torch._dynamo.reset()  # else the second size is compiled for any size
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        figures = measured(base, samples(micro * steps, arguments.tiny), settings, parameters)
        result["runs"].append(figures)
        Path(arguments.result).write_text(json.dumps(result), encoding="utf-8")
        if "out_of_memory" in figures:
            break
    return result


def measured(base: Any, rows: list[Any], settings: Any, parameters: int) -> dict[str, Any]:
    """One size of micro-batch; the first steps, which warm up (and compile), are left out of the median."""
    import torch

    from ljwx_training.errors import OutOfMemory

    folder = Path(tempfile.mkdtemp())
    real = sum(len(row.ids) for row in rows) / len(rows)
    try:
        lines = fitted(folder, base, rows, settings)
    except OutOfMemory:
        return {"micro_batch": settings.micro_batch, "out_of_memory": True}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    smaller = [line["micro_batch"] for line in lines if line["kind"] == "out_of_memory"]
    if smaller:
        return {"micro_batch": settings.micro_batch, "out_of_memory": True, "went_on_with": smaller[-1]}
    seconds = [line["seconds"] for line in lines if line["kind"] == "step"]
    step = statistics.median(seconds[len(seconds) // 2 :])
    tokens = real * settings.micro_batch / step
    figures = {
        "micro_batch": settings.micro_batch,
        "tokens_per_s": round(tokens, 1),
        "step_s": step,
        "steps_s": seconds,
        "tokens_per_sample": round(real, 1),
        "tflops": round(4 * parameters * tokens / 1e12, 2),
        "peak_memory_gib": round(lines[-1]["memory_mb"] / 1024, 2),
    }
    card = torch.cuda.get_device_name(0) if torch.cuda.is_available() else ""
    peak = next((value for name, value in PEAK_TFLOPS.items() if name in card), None)
    return {**figures, "share_of_peak": round(figures["tflops"] / peak, 4)} if peak else figures


def resume(arguments: argparse.Namespace) -> dict[str, Any]:
    """Losses of a run that was killed and went on, beside those of one that was not; 4 blocks are enough for that."""
    if arguments.train:
        train_few(Path(arguments.folder), arguments.tiny)
        return {}
    whole, killed = Path(tempfile.mkdtemp()), Path(tempfile.mkdtemp())
    train_apart(whole, arguments).wait()
    process = train_apart(killed, arguments)
    while process.poll() is None and steps_in(killed) < 6:
        time.sleep(0.01)
    process.kill()
    process.wait()
    at = steps_in(killed)
    train_apart(killed, arguments).wait()
    one, two = losses_of(whole), losses_of(killed)
    largest = max(abs(a - b) for a, b in zip(one, two, strict=True))
    return {
        "killed_after_step": at,
        "steps": len(one),
        "losses": one,
        "largest_difference": largest,
        "within": largest <= 1e-3,
    }


def train_apart(folder: Path, arguments: argparse.Namespace) -> subprocess.Popen[bytes]:
    """Start the training that is killed."""
    options = ["--part", "resume", "--train", "--folder", str(folder), "--result", str(folder / "end.json")]
    return subprocess.Popen([sys.executable, __file__, *options, *["--tiny"] * arguments.tiny])


def train_few(folder: Path, tiny: bool) -> None:
    """Twelve steps of a small batch, with a checkpoint after every fourth."""
    from ljwx_training.recipe import Hyperparameters

    settings = Hyperparameters(rank=16, batch=4, micro_batch=2, steps=12, evaluate_every=4, learning_rate=1e-4)
    settings = replace(settings, warmup=0.0)
    fitted(folder, random_base(tiny, blocks=2 if tiny else 4), samples(4 * 12, tiny), settings)


def steps_in(folder: Path) -> int:
    """How many steps are in the metrics."""
    path = folder / "metrics.jsonl"
    return path.read_text(encoding="utf-8").count('"kind": "step"') if path.exists() else 0


def losses_of(folder: Path) -> list[float]:
    """The loss of every step."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    return [line["loss"] for line in lines if line["kind"] == "step"]


PARTS = {"speed": speed, "resume": resume}

if __name__ == "__main__":
    main()
