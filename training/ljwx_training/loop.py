"""Training from the first step or from the newest checkpoint, with smaller micro-batches when memory runs out."""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel, set_peft_model_state_dict
from safetensors.torch import load_file
from transformers import EarlyStoppingCallback, TrainerState, TrainingArguments

from ljwx_training import checkpoints
from ljwx_training.batches import Collator
from ljwx_training.computing import in_bf16
from ljwx_training.errors import BadJob, OutOfMemory
from ljwx_training.kept import blocks_below, outputs_kept
from ljwx_training.metrics import Metrics, is_out_of_memory
from ljwx_training.recipe import Hyperparameters
from ljwx_training.samples import Sample
from ljwx_training.trainer import LoraTrainer, Reporter

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """What is trained on what, and where its checkpoints go.

    :param model: makes the base with its adapter, the same each time.
    :param recipe: the recipe's sha256.
    """

    model: Callable[[], PeftModel]
    collator: Collator
    train: Sequence[Sample]
    validation: Sequence[Sample]
    settings: Hyperparameters
    seed: int
    folder: Path
    metrics: Metrics
    recipe: str


@dataclass(frozen=True)
class Fitted:
    """The trained model, the steps it took, the step whose weights it has, and the micro-batch that fitted."""

    model: PeftModel
    steps: int
    best_step: int
    micro_batch: int


def fit(plan: Plan) -> Fitted:
    """Train; going on from a checkpoint gives what training without a break would have given.

    :raises OutOfMemory: one sample at a time does not fit.
    """
    micro = plan.settings.micro_batch
    while True:
        try:
            return _fit(plan, micro)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if micro == 1:
                raise OutOfMemory(
                    "one sample at a time does not fit in memory; shorten samples or use another base"
                ) from error
        micro //= 2
        logger.warning(
            "out of memory: going on with %d samples at once; the batch stays %d", micro, plan.settings.batch
        )
        if os.environ.get("RANK", "0") == "0":
            plan.metrics.add(
                "out_of_memory", plan.metrics.lines()[-1]["step"] if plan.metrics.lines() else 0, micro_batch=micro
            )
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _fit(plan: Plan, micro: int) -> Fitted:
    last = checkpoints.newest(plan.folder, plan.recipe)
    arguments = arguments_of(plan, micro, from_start=last is None)
    model = plan.model()
    trainer = LoraTrainer(
        model,
        arguments,
        plan.collator,
        plan.train,
        plan.validation,
        plan.metrics,
        plan.recipe,
        [EarlyStoppingCallback(plan.settings.patience)] if plan.settings.patience else [],
        same_batches=blocks_below(model, plan.settings) > 0,
    )
    for callback in trainer.callback_handler.callbacks:
        if isinstance(callback, Reporter):
            callback.trainer = trainer
    if trainer.is_world_process_zero():
        checkpoints.clear(plan.folder)
        plan.metrics.go_back_to(checkpoints.step_of(last) if last else 0)
    if last and checkpoints.is_last(last):
        _take_up(trainer, last)
    else:
        alone = trainer.args.world_size == 1
        with outputs_kept(model, plan.settings, again=comes_again(plan)) if alone else nullcontext():
            trainer.train(resume_from_checkpoint=str(last) if last else None)
    best = trainer.state.best_model_checkpoint if plan.settings.patience else None
    steps = trainer.state.global_step
    return Fitted(
        trainer.accelerator.unwrap_model(trainer.model),
        steps,
        checkpoints.step_of(Path(best)) if best else steps,
        micro,
    )


def _take_up(trainer: LoraTrainer, last: Path) -> None:
    """Load what a training that was done had come to; transformers' Trainer would make one more step in mid-epoch."""
    trainer.state = TrainerState.load_from_json(str(last / "trainer_state.json"))
    best = trainer.state.best_model_checkpoint if trainer.args.load_best_model_at_end else None
    kept = last.with_name(Path(best).name) if best else last
    set_peft_model_state_dict(trainer.model, load_file(kept / "adapter_model.safetensors"))


def arguments_of(plan: Plan, micro: int, from_start: bool) -> TrainingArguments:
    """Return transformers' arguments of the hyperparameters."""
    settings, gpu = plan.settings, torch.cuda.is_available()
    has_classes = any(sample.decisions for sample in plan.validation)
    return TrainingArguments(
        output_dir=str(plan.folder),
        per_device_train_batch_size=micro,
        per_device_eval_batch_size=micro,
        gradient_accumulation_steps=accumulation(settings.batch, micro),
        num_train_epochs=settings.epochs,
        max_steps=settings.steps or -1,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=settings.schedule,
        warmup_steps=warmup_steps(settings, len(plan.train)),
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.max_grad_norm,
        optim="adamw_torch_fused" if gpu else "adamw_torch",
        bf16=in_bf16(settings.precision),
        use_cpu=not gpu,
        **checkpointing(settings),
        seed=plan.seed,
        data_seed=plan.seed,
        logging_steps=1,
        logging_nan_inf_filter=False,
        eval_strategy="steps" if plan.validation else "no",
        eval_steps=min(settings.evaluate_every, steps_of(settings, len(plan.train))),
        eval_on_start=from_start and bool(plan.validation),
        save_strategy="steps",
        save_steps=min(settings.evaluate_every, steps_of(settings, len(plan.train))),
        save_total_limit=2,
        load_best_model_at_end=settings.patience > 0,
        metric_for_best_model="eval_class_log_score" if has_classes else "eval_loss",
        greater_is_better=has_classes,
        restore_callback_states_from_checkpoint=True,
        remove_unused_columns=False,
        dataloader_num_workers=0,
        dataloader_pin_memory=gpu,
        ddp_find_unused_parameters=False,
        disable_tqdm=True,
        report_to="none",
    )


def checkpointing(settings: Hyperparameters) -> dict[str, Any]:
    """Return the arguments that let a block's activations be computed twice; transformers 5.24 renamed them."""
    renamed = "activation_checkpointing" in TrainingArguments.__dataclass_fields__
    name = "activation_checkpointing" if renamed else "gradient_checkpointing"
    return {name: settings.gradient_checkpointing, f"{name}_kwargs": {"use_reentrant": False}}


def accumulation(batch: int, micro: int) -> int:
    """Return how many micro-batches of each process make a step.

    :raises BadJob: the processes do not divide the batch.
    """
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if batch % (micro * processes):
        raise BadJob(f"batch {batch} is no multiple of {micro} samples in each of {processes} processes")
    return batch // (micro * processes)


def comes_again(plan: Plan) -> bool:
    """Return whether training goes through its samples more than once."""
    return steps_of(plan.settings, len(plan.train)) > -(-len(plan.train) // plan.settings.batch)


def warmup_steps(settings: Hyperparameters, samples: int) -> int:
    """Return the first steps, in which the learning rate rises."""
    return int(settings.warmup * steps_of(settings, samples))


def steps_of(settings: Hyperparameters, samples: int) -> int:
    """Return how many steps training has."""
    return settings.steps or max(1, int(settings.epochs * -(-samples // settings.batch)))
