"""How much faster the trainer is than transformers' Trainer with peft, on the processor at hand, and by what.

From ``training/``, in the trainer's environment::

    PYTHONPATH=. python benchmarks/cpu.py JOB RESULT

JOB is a folder with job.json and its rows, as the trainer takes them. Each way is a process of its own: `plain` is
transformers' Trainer with peft as its documentation has it, in 32 bits and in bf16; `ours` is the trainer, and once
more with each of its techniques left out; its upper blocks alone show what kept outputs are worth. All train the same
rank, samples and order, by the plain loss of the answers' tokens, each sample counting alike; the answer loss on the
validation rows stands beside the seconds.
RESULT gets JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from peft import PeftModel
from peft.tuners.lora import Linear
from transformers import Trainer, TrainerCallback, TrainingArguments

from ljwx_training.adapter import with_adapter
from ljwx_training.base import Base
from ljwx_training.batches import Collator
from ljwx_training.computing import dtype_of, in_bf16
from ljwx_training.job import read_job
from ljwx_training.kept import outputs_kept
from ljwx_training.lean import LeanLinear
from ljwx_training.memory import keep_memory
from ljwx_training.metrics import Metrics
from ljwx_training.objective import losses
from ljwx_training.recipe import Hyperparameters, Objective
from ljwx_training.run import encoder_of, rows_of
from ljwx_training.samples import Sample
from ljwx_training.trainer import LoraTrainer

BATCH = Hyperparameters().batch


@dataclass(frozen=True)
class Way:
    """How is trained; what is False is left out.

    :param plain: transformers' Trainer and peft alone.
    :param prefix: what samples begin with alike is computed once; ``logits``: at the answers' places only;
        ``lean``: an adapter without element-wise work; ``memory``: freed memory is kept; ``outputs``: those of blocks
        below the adapter are, from one epoch to the next.
    :param layers: how many of the upper blocks are trained, for two epochs of which the second is measured.
    """

    precision: Literal["bf16", "fp32"] = "bf16"
    plain: bool = False
    prefix: bool = True
    logits: bool = True
    lean: bool = True
    memory: bool = True
    outputs: bool = True
    layers: int | None = None


UPPER = 10
"""Blocks of the thirty that SmolLM2-135M has."""
WAYS = {
    "plain_fp32": Way("fp32", plain=True, memory=False),
    "plain_bf16": Way(plain=True, memory=False),
    "ours": Way(),
    "without_prefix": Way(prefix=False),
    "without_kept_logits": Way(logits=False),
    "without_lean_adapter": Way(lean=False),
    "without_kept_memory": Way(memory=False),
    "without_bf16": Way("fp32"),
    "upper_blocks": Way(layers=UPPER),
    "upper_blocks_computed_anew": Way(layers=UPPER, outputs=False),
}


def main() -> None:
    """Run each way in turn; the two that are compared run longest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("--way", choices=list(WAYS), help="this one alone, in this process")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--few", type=int, default=3, help="steps of the ways that only show a share")
    chosen = parser.parse_args()
    if chosen.way:
        told = measured(chosen.job, chosen.steps, WAYS[chosen.way])
    else:
        told = compared(chosen.job, chosen.steps, chosen.few)
    chosen.result.write_text(json.dumps(told, indent=1), encoding="utf-8")


def compared(job: Path, steps: int, few: int) -> dict[str, Any]:
    """Find the faster plain way, run it and ours to the end, and say what each technique is worth.

    Without instructions for bf16 both compute in 32 bits, as the trainer does by itself: those ways are one then.
    """
    short = {name: run_way(name, job, few) for name in WAYS if in_bf16("bf16") or not name.endswith("bf16")}
    plain = min((name for name in short if WAYS[name].plain), key=lambda name: short[name]["step_s"])
    long = {name: run_way(name, job, steps) for name in (plain, "ours")}
    ours = short["ours"]["step_s"]
    return {
        "speedup": round(long[plain]["seconds"] / long["ours"]["seconds"], 3),
        "peer": plain,
        "long": long,
        "short": short,
        "slower_without": {
            **{name: round(each["step_s"] / ours, 3) for name, each in short.items() if name.startswith("without")},
            "without_kept_outputs": round(
                short["upper_blocks_computed_anew"]["step_s"] / short["upper_blocks"]["step_s"], 3
            ),
        },
    }


def run_way(name: str, job: Path, steps: int) -> dict[str, Any]:
    """Measure one way in a process with its own environment."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        command = [
            sys.executable,
            "-W",
            "ignore",
            __file__,
            str(job),
            str(result),
            "--way",
            name,
            "--steps",
            str(steps),
        ]
        subprocess.run(command, check=True)
        figures: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    print(name, json.dumps(figures), flush=True)
    return figures


def measured(folder: Path, steps: int, way: Way) -> dict[str, Any]:
    """Train so many steps one way, upper blocks alone twice as many.

    :return: its seconds, looks left out, and what it then makes of unseen rows.
    """
    if way.memory:
        keep_memory()
    job = read_job(folder).model_copy(update={"objective": Objective()})
    base = Base((folder / job.base.path).resolve())
    rows = {name: rows_of(name, getattr(job, name), folder, job) for name in ("train", "validation")}
    encoder = encoder_of(base, job, rows["train"])
    train, validation = (
        [replace(sample, weight=1.0) for sample in encoder.samples(rows[name])] for name in ("train", "validation")
    )
    again = 2 if way.layers else 1
    settings = Hyperparameters(
        learning_rate=1e-3, schedule="constant", warmup=0.0, batch=BATCH, micro_batch=BATCH, steps=again * steps,
        evaluate_every=again * steps, precision=way.precision, layers=way.layers,
    )  # fmt: skip
    model = with_adapter(base.model(dtype_of(way.precision)), settings, seed=7)
    if way.plain or not way.lean:
        for module in model.modules():
            if isinstance(module, LeanLinear):
                module.__class__ = Linear
    clock = Clock()
    with tempfile.TemporaryDirectory() as output:
        mine = train[: steps * BATCH]
        trainer = (plain_trainer if way.plain else our_trainer)(model, mine, settings, Path(output), way)
        trainer.add_callback(clock)
        with outputs_kept(model, settings, most=None if way.outputs else 0):
            trainer.train()
    return {
        "seconds": round(sum(clock.seconds), 2),
        "step_s": round(statistics.median(clock.seconds[steps if way.layers else 1 :]), 3),
        "validation_loss": round(validation_loss(model, validation, way), 4),
        "threads": torch.get_num_threads(),
    }


class Clock(TrainerCallback):
    """The seconds of each step."""

    def __init__(self) -> None:
        self.began = 0.0
        self.seconds: list[float] = []

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        """Start."""
        self.began = time.monotonic()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Stop."""
        self.seconds.append(time.monotonic() - self.began)


def arguments_for(settings: Hyperparameters, output: Path) -> TrainingArguments:
    """Transformers' arguments, the same for both."""
    return TrainingArguments(
        output_dir=str(output), per_device_train_batch_size=BATCH, max_steps=settings.steps or 1,
        learning_rate=settings.learning_rate, lr_scheduler_type="constant", seed=7, data_seed=7, save_strategy="no",
        logging_steps=1, bf16=in_bf16(settings.precision), use_cpu=True, optim="adamw_torch", disable_tqdm=True,
        report_to="none", remove_unused_columns=False, dataloader_pin_memory=False,
    )  # fmt: skip


def plain_trainer(
    model: PeftModel, train: Sequence[Sample], settings: Hyperparameters, output: Path, _: Way
) -> Trainer:
    """Transformers' Trainer: padded batches with mask and labels, its own loss over all tokens of the vocabulary."""

    def collate(samples: Sequence[Sample]) -> dict[str, torch.Tensor]:
        length = max(len(sample.ids) for sample in samples)
        gaps = [length - len(sample.ids) for sample in samples]
        told = list(zip(samples, gaps, strict=True))
        labels = [[*[-100] * s.start, *s.ids[s.start :], *[-100] * gap] for s, gap in told]
        return {
            "input_ids": torch.tensor([[*s.ids, *[0] * gap] for s, gap in told]),
            "attention_mask": torch.tensor([[*[1] * len(s.ids), *[0] * gap] for s, gap in told]),
            "labels": torch.tensor(labels),
        }

    return Trainer(model=model, args=arguments_for(settings, output), data_collator=collate, train_dataset=list(train))


def our_trainer(
    model: PeftModel, train: Sequence[Sample], settings: Hyperparameters, output: Path, way: Way
) -> Trainer:
    """The trainer's own, without looks and checkpoints."""
    collator = Collator(Objective(), share=way.prefix)
    if not way.logits:
        model.get_base_model().forward = all_logits(model.get_base_model().forward)
    metrics = Metrics(output / "metrics.jsonl")
    arguments, same = arguments_for(settings, output), bool(way.layers)
    return LoraTrainer(model, arguments, collator, train, (), metrics, "bench", same_batches=same)


def all_logits(forward: Any) -> Any:
    """Compute the logits of all places, and then take those that are wanted."""

    def whole(*arguments: Any, logits_to_keep: Any, **named: Any) -> Any:
        found = forward(*arguments, **named)
        found.logits = found.logits.float()[:, logits_to_keep]
        return found

    return whole


@torch.no_grad()
def validation_loss(model: PeftModel, validation: Sequence[Sample], way: Way) -> float:
    """Return the answer loss of rows that were not trained on, computed the same way for all."""
    model.eval()
    answer, tokens = 0.0, 0
    for at in range(0, len(validation), BATCH):
        with torch.autocast("cpu", torch.bfloat16, enabled=in_bf16(way.precision)):
            found = losses(model, Collator(Objective(), share=True)(validation[at : at + BATCH]))
        answer, tokens = answer + float(found.answer), tokens + found.answer_tokens
    return answer / tokens


if __name__ == "__main__":
    main()
